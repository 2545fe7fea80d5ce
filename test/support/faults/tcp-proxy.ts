import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

export interface TcpProxy {
  /** URL of the target through the proxy. */
  url: string;
  /** Cuts every connection and refuses new ones. */
  cut(): Promise<void>;
  /** Delays all data in both directions from now on. */
  delay(ms: number): void;
  /** Keeps connections open and passes no data. */
  hang(): void;
  /** Passes everything again. Cuts connections that hung first. */
  restore(): Promise<void>;
  close(): Promise<void>;
}

/** Opens a proxy before a server, through which a test disturbs the network. */
export async function createTcpProxy(target: string, state: 'open' | 'cut' = 'open'): Promise<TcpProxy> {
  const url = new URL(target);
  const sockets = new Set<Socket>();
  let hung = false;
  let delayMs = 0;

  function pass(client: Socket): void {
    const upstream = connect(Number(url.port), url.hostname);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => {});
      from.on('data', (chunk) => {
        if (hung) return;
        if (delayMs === 0) to.write(chunk);
        // Timers of equal length fire in the order in which they were set.
        else setTimeout(() => to.writable && !hung && to.write(chunk), delayMs);
      });
      from.once('close', () => {
        sockets.delete(from);
        // Closes after the delayed data has been sent.
        if (delayMs === 0) to.destroy();
        else setTimeout(() => to.destroy(), delayMs);
      });
    }
  }

  let server: Server = await listen(pass, 0);
  const port = portOf(server);
  async function cut(): Promise<void> {
    hung = false;
    const closed = server.listening ? once(server, 'close') : undefined;
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  }
  if (state === 'cut') await cut();

  const through = new URL(target);
  through.hostname = '127.0.0.1';
  through.port = String(port);
  return {
    url: through.href,
    cut,
    delay: (ms) => {
      delayMs = ms;
    },
    hang: () => {
      hung = true;
    },
    restore: async () => {
      await cut();
      server = await listen(pass, port);
    },
    close: cut,
  };
}

async function listen(onConnection: (socket: Socket) => void, port: number): Promise<Server> {
  const server = createServer(onConnection).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The proxy does not listen.');
  return address.port;
}
