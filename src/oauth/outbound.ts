export interface OutboundRequest {
  method: 'GET' | 'POST';
  url: string;
  headers: Record<string, string>;
  body: string | null;
}

export interface OutboundAnswer {
  status: number;
  contentType: string;
  retryAfter: string | null;
  /** Null where it could not be read whole: encoded, oversized, or cut off. */
  body: string | null;
}
