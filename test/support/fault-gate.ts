import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One refresh as it passed the gate, in order of arrival. Times are of one clock, in milliseconds. */
export interface Exchange {
  /** The refresh token that was presented; null where it was another kind of request. */
  presented: string | null;
  grantType: string;
  /** Of the connection it came by, at the sender's end. */
  senderPort: number | undefined;
  arrivedAt: number;
  /** When the provider had decided; undefined where it never did. */
  answeredAt?: number;
  status?: number;
  /** What the provider gave instead. */
  rotatedTo?: string;
  accessToken?: string;
}

export interface TokenGate {
  /** The provider's token endpoint, by way of the gate. */
  url: string;
  exchanges: Exchange[];
  /** Run before a request goes on to the provider, and after the provider has decided but before the answer goes back. */
  before: () => Promise<void>;
  after: () => Promise<void>;
  /** The next answers are kept back, though the provider has decided: `answered` resolves at the first. */
  holdAnswers(): { answered: Promise<void>; release(): void };
  close(): Promise<void>;
}

/** Stands before a provider's token endpoint: keeps a log of every exchange, and may hold either half of one. */
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
    const answer = await fetch(tokenEndpoint, {
      method: 'POST',
      headers: {
        ...(contentType === undefined ? {} : { 'content-type': contentType }),
        ...(authorization === undefined ? {} : { authorization }),
      },
      body,
    });
    const text = await answer.text();
    exchange.answeredAt = performance.now();
    exchange.status = answer.status;
    if (answer.ok) {
      const tokens = JSON.parse(text) as { access_token: string; refresh_token: string };
      exchange.accessToken = tokens.access_token;
      exchange.rotatedTo = tokens.refresh_token;
    }
    await gate.after();
    return { status: answer.status, text };
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
    holdAnswers: () => {
      const answered = Promise.withResolvers<void>();
      const released = Promise.withResolvers<void>();
      gate.after = () => {
        answered.resolve();
        return released.promise;
      };
      return {
        answered: answered.promise,
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
