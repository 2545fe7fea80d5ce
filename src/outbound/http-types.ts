import type { OrganizationId } from '../domain/connections/connection.ts';
import type { Secret } from '../domain/secret.ts';

/** Certificate and private key that a client presents in the TLS handshake (RFC 8705 §2). */
export interface ClientCertificate {
  /** Identifies the certificate and its key. Not a secret. */
  id: string;
  /** PEM, the client's own certificate first. */
  chain: string;
  /** PKCS#8 PEM. */
  key: Secret;
  expiresAt: Date;
}

export interface OutboundRequest {
  method: 'GET' | 'POST' | 'DELETE';
  url: string;
  headers: Record<string, string>;
  body: string | null;
  /** Organisation of the call. Bounds on connecting calls are kept for each organisation. */
  organizationId?: OrganizationId;
  /** Presented in the TLS handshake (RFC 8705 §2). The socket never carries a request of another client. */
  certificate?: ClientCertificate | null;
}

export interface OutboundResponse {
  status: number;
  contentType: string;
  retryAfter: string | null;
  /** `Date` header as sent: the provider's clock. */
  date: string | null;
  /** Text after the content codings are decoded. Null if it is too large or its coding is unknown. */
  body: string | null;
  /** False if the transfer broke off before the end of the body: the answer, or a part of it, is lost. */
  isComplete: boolean;
}
