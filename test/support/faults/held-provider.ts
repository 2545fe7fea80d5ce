import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export type HeldProvider = Awaited<ReturnType<typeof startHeldProvider>>;

/**
 * Starts a provider that responds at once with tokens of one hour, on every path. It leaves requests with held refresh
 * tokens open until `release`.
 */
export async function startHeldProvider() {
  const held = new Set<string>();
  const released = Promise.withResolvers<void>();
  const arrivals: string[] = [];
  let open = 0;
  let mostOpen = 0;
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request.setEncoding('latin1')) body += chunk;
    const token = new URLSearchParams(body).get('refresh_token') ?? '';
    arrivals.push(token);
    const next = {
      access_token: `at-${arrivals.length}`,
      refresh_token: `rt-${arrivals.length}`,
      token_type: 'Bearer',
      expires_in: 3600,
    };
    if (held.has(token)) {
      open += 1;
      mostOpen = Math.max(mostOpen, open);
      await released.promise;
      open -= 1;
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(next));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Refresh tokens in the order in which they arrived. */
    arrivals: arrivals as readonly string[],
    hold: (refreshTokens: readonly string[]) => {
      for (const token of refreshTokens) held.add(token);
    },
    /** Number of held requests that are open now. */
    open: () => open,
    /** Maximum number of held requests that were open at once. */
    mostOpen: () => mostOpen,
    /** Responds to the held requests, and from now on to all others. */
    release: () => released.resolve(),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
