import type { ClientCertificate } from './client-certificate.ts';

export interface OutboundRequest {
  method: 'GET' | 'POST' | 'DELETE';
  url: string;
  headers: Record<string, string>;
  body: string | null;
  /** Presented in the TLS handshake (RFC 8705 §2); no other client's request travels on that socket. */
  certificate?: ClientCertificate | null;
}

export interface OutboundAnswer {
  status: number;
  contentType: string;
  retryAfter: string | null;
  /** Null where it could not be read whole: encoded, oversized, or cut off. */
  body: string | null;
}
