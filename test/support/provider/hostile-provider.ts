import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

export interface Received {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: string;
}

/** Responds to one request, correctly or not. */
export type Reply = (response: ServerResponse) => void;

export interface HostileProvider {
  origin: string;
  /** Every complete request, in order. */
  received: Received[];
  /** Sets the replies of a path, one for each request. The last one repeats. */
  script(path: string, ...replies: [Reply, ...Reply[]]): void;
  /** The form of the request at that index. Defaults to the last request. */
  form(index?: number): URLSearchParams;
  close(): Promise<void>;
}

export async function startHostileProvider(tls?: { key: string; cert: string }): Promise<HostileProvider> {
  const scripts = new Map<string, Reply[]>();
  const received: Received[] = [];
  const listener = (request: import('node:http').IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const url = new URL(request.url ?? '/', 'http://provider');
      received.push({
        method: request.method ?? '',
        path: url.pathname,
        query: url.searchParams,
        headers: request.headers,
        body: Buffer.concat(chunks).toString('utf8'),
      });
      const replies = scripts.get(url.pathname);
      const reply = replies !== undefined && replies.length > 1 ? replies.shift() : replies?.[0];
      (reply ?? json(404, {}))(response);
    });
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    received,
    script: (path, ...replies) => {
      scripts.set(path, replies);
    },
    form: (index = -1) => new URLSearchParams(received.at(index)?.body),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): Reply {
  return text(status, JSON.stringify(body), { 'content-type': 'application/json', ...headers });
}

export function text(status: number, body: string, headers: Record<string, string> = {}): Reply {
  return (response) => {
    response.writeHead(status, headers).end(body);
  };
}

/** A correct token response (RFC 6749 §5.1). */
export function tokens(accessToken: string, refreshToken: string | null, expiresIn = 3600): Reply {
  return json(200, {
    access_token: accessToken,
    token_type: 'Bearer',
    expires_in: expiresIn,
    ...(refreshToken === null ? {} : { refresh_token: refreshToken }),
  });
}

/** Redirects with 307, which makes a client repeat the request with its body, secrets included. */
export function redirect(location: string): Reply {
  return (response) => response.writeHead(307, { location }).end();
}

/** Accepts the request and replies after `release`. */
export function held(reply: Reply): { reply: Reply; arrived: Promise<void>; release(): void } {
  const arrived = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  return {
    reply: (response) => {
      arrived.resolve();
      released.promise.then(() => reply(response));
    },
    arrived: arrived.promise,
    release: () => released.resolve(),
  };
}

/** Accepts the request and never replies. */
export const hang: Reply = () => {};

/** Closes the connection before the first byte of a response. */
export const reset: Reply = (response) => {
  response.socket?.destroy();
};

/** Closes the connection before the announced length of the body is sent. */
export const closeMidBody: Reply = (response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
  response.write('{"access_token":', () => response.socket?.destroy());
};

/** Sends a byte every 5 ms without end: no pause between bytes is long. */
export const drip: Reply = (response) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  const timer = setInterval(() => response.write(' '), 5);
  response.on('close', () => clearInterval(timer));
};

/** Sends a byte every second without end: the connection is never idle for long. */
export const trickle: Reply = (response) => {
  response.writeHead(200, { 'content-type': 'application/json' }).write('{');
  const timer = setInterval(() => response.write(' '), 1000);
  response.on('close', () => clearInterval(timer));
};

/** Sends 50 MB compressed to a few kilobytes, although the client did not accept an encoding. */
export const gzipBomb: Reply = (response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(bomb());
};

let packed: Buffer | undefined;
function bomb(): Buffer {
  packed ??= gzipSync(Buffer.alloc(50 * 1024 * 1024, 0x20));
  return packed;
}

/** Sends bytes without end, as fast as the client reads. */
export const flood: Reply = (response) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  const chunk = Buffer.alloc(64 * 1024, 0x20);
  const pump = () => {
    while (!response.destroyed && response.write(chunk));
    if (!response.destroyed) response.once('drain', pump);
  };
  response.on('error', () => {});
  pump();
};

/** A certificate for localhost and 127.0.0.1 that no client trusts. Its key protects nothing. */
export const selfSigned = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgGFCUNZb4uknOy5Lk
UHOgbS8gH7WPt/vXdpJ8YJo/Q1GhRANCAATVnhMruzBuX7a+5UbtHtjoRo1ReTX8
HVekRd8ij80rsyiEosmbzw4gdr/q0jjXxamLfizOyPxSHly1zoDPyMJI
-----END PRIVATE KEY-----`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBZzCCAQ2gAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb2NhbGhv
c3QwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMM
CWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNWeEyu7MG5ftr7l
Ru0e2OhGjVF5NfwdV6RF3yKPzSuzKISiyZvPDiB2v+rSONfFqYt+LM7I/FIeXLXO
gM/IwkijTjBMMBoGA1UdEQQTMBGCCWxvY2FsaG9zdIcEfwAAATAPBgNVHRMBAf8E
BTADAQH/MB0GA1UdDgQWBBS10vC6kpKRRaUs7DDmH4SA1j8LMTAKBggqhkjOPQQD
AgNIADBFAiEAup63W5gLUh5OVtMbf7GMXqD5imt3lH/rNJQrJPzDqjkCICAnzQRT
GOZ8m8CPB9IhxfbBWOlScrdAb2V9kTZjfmkE
-----END CERTIFICATE-----`,
};
