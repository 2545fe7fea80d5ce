export interface Place {
  host: string;
  port: number;
  /** Whether a TLS handshake belongs to the connection. */
  tls: boolean;
}

/** Returns where a URL leads to. Undefined if it has no host. */
export function placeOf(address: string, ports: Readonly<Record<string, number>>): Place | undefined {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const port = Number(url?.port) || ports[url?.protocol ?? ''];
  const host = url?.hostname.replace(/^\[|\]$/g, '') ?? '';
  if (url === undefined || port === undefined || host === '') return undefined;
  return { host, port, tls: url.protocol === 'https:' };
}

/** Checks whether a URL leads to the machine that opens it. */
export function isLoopback(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { hostname } = new URL(url);
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
