import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One token request that passed the gate. Times are milliseconds of one clock. */
export interface Exchange {
  /** The refresh token of the request. Null for another grant type. */
  presented: string | null;
  grantType: string;
  /** Port of the sender's end of the connection. */
  senderPort: number | undefined;
  arrivedAt: number;
  /** Time of the provider's response. Undefined if there was none. */
  respondedAt?: number;
  status?: number;
  /** The refresh token that the provider issued in its place. */
  rotatedTo?: string;
  accessToken?: string;
}

export interface TokenGate {
  /** URL of the token endpoint through the gate. */
  url: string;
  exchanges: Exchange[];
  /** Run before a request is forwarded, and after the provider's response but before it is returned. */
  before: () => Promise<void>;
  after: () => Promise<void>;
  /** Holds the next responses back after the provider sent them. `responded` resolves at the first one. */
  holdResponses(): { responded: Promise<void>; release(): void };
  close(): Promise<void>;
}

/** Opens a proxy of a token endpoint that records every exchange and can delay request or response. */
export async function openTokenGate(tokenEndpoint: string): Promise<TokenGate> {
  const exchanges: Exchange[] = [];
  const nothing = async () => {};

  async function pass(request: IncomingMessage) {
    const body = await readAll(request);
    const form = new URLSearchParams(body);
    const exchange: Exchange = {
      presented: form.get('refresh_token'),
      grantType: form.get('grant_type') ?? '',
      senderPort: request.socket.remotePort,
      arrivedAt: performance.now(),
    };
    exchanges.push(exchange);
    await gate.before();
    const { authorization, 'content-type': contentType } = request.headers;
    const response = await fetch(tokenEndpoint, {
      method: 'POST',
      headers: {
        ...(contentType === undefined ? {} : { 'content-type': contentType }),
        ...(authorization === undefined ? {} : { authorization }),
      },
      body,
    });
    const text = await response.text();
    exchange.respondedAt = performance.now();
    exchange.status = response.status;
    if (response.ok) {
      const tokens = JSON.parse(text) as { access_token: string; refresh_token: string };
      exchange.accessToken = tokens.access_token;
      exchange.rotatedTo = tokens.refresh_token;
    }
    await gate.after();
    return { status: response.status, text };
  }

  const server = createServer((request, response) => {
    pass(request).then(
      ({ status, text }) => response.writeHead(status, { 'content-type': 'application/json' }).end(text),
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const gate: TokenGate = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    exchanges,
    before: nothing,
    after: nothing,
    holdResponses: () => {
      const responded = Promise.withResolvers<void>();
      const released = Promise.withResolvers<void>();
      gate.after = () => {
        responded.resolve();
        return released.promise;
      };
      return {
        responded: responded.promise,
        release: () => {
          gate.after = nothing;
          released.resolve();
        },
      };
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return gate;
}

async function readAll(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
