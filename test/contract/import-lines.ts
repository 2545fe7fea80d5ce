import { expect } from 'vitest';
import type { ApiResponse } from '../support/http/broker-api.ts';
import type { Service } from './service.ts';

export interface ResultLine {
  line: number;
  action: string;
  code: string | null;
  errors: { path: string; message: string }[];
  grant_id: string | null;
}

export const toLines = (lines: readonly unknown[]) =>
  Buffer.from(lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''));

/** Posts lines as they are, in the given chunks. */
export async function importLines(
  { broker, stack }: Pick<Service, 'broker' | 'stack'>,
  lines: readonly unknown[] | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  { query = '', key = stack.adminKey() }: { query?: string; key?: string } = {},
): Promise<ApiResponse> {
  const body = Array.isArray(lines) ? toLines(lines) : ReadableStream.from(lines as AsyncIterable<Uint8Array>);
  const response = await fetch(`${broker.url}/admin/import${query}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/x-ndjson' },
    body,
    duplex: 'half',
  } as RequestInit);
  return {
    status: response.status,
    headers: response.headers,
    body: {} as ApiResponse['body'],
    text: await response.text(),
  };
}

/** Imports lines and returns their results and the summary. */
export async function importAll(...args: Parameters<typeof importLines>) {
  const { status, text } = await importLines(...args);
  expect(status, text).toBe(200);
  const written = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  return { results: written.slice(0, -1) as ResultLine[], summary: written.at(-1) as Record<string, unknown> };
}
