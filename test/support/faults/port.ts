import { createServer } from 'node:net';

/** Below the ports that systems assign to connections: no connection takes the port while its server is down. */
const firstPort = 20_000;
const lastPort = 32_000;

/** Finds a free port of loopback for a server that stops and starts again. */
export async function stablePort(): Promise<number> {
  for (;;) {
    const port = firstPort + Math.floor(Math.random() * (lastPort - firstPort));
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const server = createServer();
  server.once('error', () => resolve(false));
  server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  return promise;
}
