import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createGuardedHttp, type GuardedHttp } from '../../../src/outbound/guarded-http.ts';
import { outboundUrlFault } from '../../../src/outbound/outbound-url.ts';
import type { ReceivedRequest } from './check-request.ts';

export interface Answer {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

/** One HTTP server that stands for every provider. Its client keeps the URL of each request and sends it here. */
export interface ProviderServer {
  /** Real guarded client. It refuses URLs that the service would refuse, then calls this server instead of the host. */
  http: GuardedHttp;
  /** Sets the answers of the next requests, and returns the list that these are added to. Further ones get a 500. */
  script(...answers: Answer[]): ReceivedRequest[];
  close(): Promise<void>;
}

/** Starts the server on a free port of 127.0.0.1. */
export async function startProviderServer(): Promise<ProviderServer> {
  let answers: Answer[] = [];
  let received: ReceivedRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push({
        method: request.method ?? '',
        url: `https:/${request.url}`,
        headers: request.headers,
        body: Buffer.concat(chunks).toString('utf8'),
      });
      const { status, body, headers } = answers.shift() ?? { status: 500, body: {} };
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const guarded = createGuardedHttp({ allowPrivateNetwork: true, connectTimeoutMs: 5000 });
  return {
    http: {
      ...guarded,
      urlFault: (url) => outboundUrlFault(url, false),
      send(request, deadline) {
        const fault = outboundUrlFault(request.url, false);
        if (fault !== null) throw new Error(`${request.url}: ${fault}`);
        return guarded.send({ ...request, url: request.url.replace(/^https:\//, origin) }, deadline);
      },
    },
    script(...next) {
      answers = next;
      received = [];
      return received;
    },
    async close() {
      await guarded.close();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}
