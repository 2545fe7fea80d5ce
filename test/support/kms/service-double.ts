import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: string;
  json: Record<string, string>;
}

export interface Reply {
  status: number;
  /** An object is sent as JSON. */
  body: object | string;
}

export interface ServiceDouble {
  origin: string;
  port: number;
  received: Received[];
  /** Replies to every request in place of the service, until it is undefined again. `silent` never replies. */
  outage: { status: number; headers?: Record<string, string>; body?: string } | 'silent' | undefined;
  close(): Promise<void>;
}

/** Starts a server of a documented REST API on loopback. */
export async function startServiceDouble(reply: (request: Received) => Reply, port = 0): Promise<ServiceDouble> {
  const received: Received[] = [];
  const server = createServer(async (incoming, outgoing) => {
    let body = '';
    for await (const chunk of incoming.setEncoding('utf8')) body += chunk;
    const { pathname, searchParams } = new URL(incoming.url ?? '', 'http://double');
    const { method = '', headers } = incoming;
    const request = { method, path: pathname, query: searchParams, headers, body, json: parse(body) };
    received.push(request);
    const { outage } = double;
    if (outage === 'silent') return;
    if (outage !== undefined) {
      outgoing.writeHead(outage.status, outage.headers).end(outage.body);
      return;
    }
    const { status, body: sent } = reply(request);
    const isText = typeof sent === 'string';
    outgoing.writeHead(status, { 'content-type': isText ? 'text/plain' : 'application/json' });
    outgoing.end(isText ? sent : JSON.stringify(sent));
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const { port: own } = server.address() as AddressInfo;
  const double: ServiceDouble = {
    origin: `http://127.0.0.1:${own}`,
    port: own,
    received,
    outage: undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return double;
}

function parse(body: string): Record<string, string> {
  try {
    return JSON.parse(body);
  } catch {
    return {};
  }
}
