import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';

export type Result = Record<string, unknown>;

/** Lines of one connection, each with a subject of its own. Their tokens live longer than any test. */
export function lineOf(name: string, n: number): string {
  const expiresAt = '2040-01-01T00:00:00Z';
  const tokens = { access_token: `a${n}`, refresh_token: `r${n}`, expires_at: expiresAt };
  return `${JSON.stringify({ connection_name: name, subject: `p${n}`, ...tokens })}\n`;
}

export function linesOf(name: string, count: number, from = 0): string {
  return Array.from({ length: count }, (_, at) => lineOf(name, from + at)).join('');
}

/** A service with a key that may import. */
export interface ImportTarget {
  url: string;
  key: string;
}

/** Opens an import whose client decides when it sends and when it reads. */
export function openImport({ url, key }: ImportTarget, query = '') {
  const call = request(`${url}/admin/import${query}`, {
    method: 'POST',
    agent: false,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/x-ndjson' },
  });
  const answered = once(call, 'response') as Promise<[IncomingMessage]>;
  answered.catch(() => {});
  let isClosed = false;
  /** Ends the wait for the server to take more. */
  let resume = () => {};
  call.on('error', () => {});
  call.on('drain', () => resume());
  call.on('close', () => {
    isClosed = true;
    resume();
  });
  return {
    isClosed: () => isClosed,
    /** Waits while the server takes no more. Returns early once the connection has closed. */
    async send(text: string): Promise<void> {
      if (isClosed || call.write(text)) return;
      await new Promise<void>((resolve) => {
        resume = resolve;
      });
    },
    end: () => call.end(),
    leave: () => call.destroy(),
    async *results(): AsyncGenerator<Result> {
      const [response] = await answered;
      if (response.statusCode !== 200) throw new Error(`the import was refused with ${response.statusCode}`);
      let rest = '';
      for await (const chunk of response.setEncoding('utf8')) {
        const parts = (rest + String(chunk)).split('\n');
        rest = parts.pop() ?? '';
        for (const part of parts) yield JSON.parse(part) as Result;
      }
    },
  };
}

/** Imports a number of lines and reads the results meanwhile. `onResult` receives the number of results so far. */
export async function importLines(
  target: ImportTarget,
  name: string,
  { count, from = 0, onResult }: { count: number; from?: number; onResult?: (seen: number) => unknown },
): Promise<{ last: Result; seen: number }> {
  const call = openImport(target);
  const sending = (async () => {
    for (let n = 0; n < count; n += 100) await call.send(linesOf(name, Math.min(100, count - n), from + n));
    call.end();
  })();
  let last: Result = {};
  let seen = 0;
  for await (const result of call.results()) {
    last = result;
    await onResult?.(++seen);
  }
  call.leave();
  await sending;
  return { last, seen };
}

export function residentBytes({ pid }: { pid?: number | undefined }): number {
  const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}
