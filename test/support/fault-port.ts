import { createServer } from 'node:net';

/** Below those that systems hand out by themselves: nobody else's connection takes it while its server is away. */
const firstPort = 20_000;
const lastPort = 32_000;

/** A port of loopback for a server that comes and goes. */
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
