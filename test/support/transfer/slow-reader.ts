import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds before the first line is read. A client without backpressure has the whole file in memory by then. */
const delayMs = 500;
const newline = 0x0a;

/** Plays an import that reads late, and stores nothing: each line is created. */
export async function startSlowReader(): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer(async (request, response) => {
    await sleep(delayMs);
    let line = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      let results = '';
      for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, at + 1)) {
        results += `${JSON.stringify({ line: ++line, action: 'created', code: null, errors: [], grant_id: `g${line}` })}\n`;
      }
      if (results !== '' && !response.write(results)) await once(response, 'drain');
    }
    response.end(`${JSON.stringify({ done: true, lines: line })}\n`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
