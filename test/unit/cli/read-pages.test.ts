import { expect, test } from 'vitest';
import type { Api, ApiCall } from '../../../src/cli/api.ts';
import { createOutput, type OutputFlags } from '../../../src/cli/output/output.ts';
import { printPages } from '../../../src/cli/read-pages.ts';

interface Page {
  names: string[];
  next_cursor: string | null;
}

/** Two pages, and a record of calls and writes in their order. */
async function printTwoPages(flags: OutputFlags) {
  const record: string[] = [];
  const api: Api = {
    async call<Body>({ query }: ApiCall) {
      record.push(`call ${query?.cursor ?? 'first'}`);
      const page: Page =
        query?.cursor === 'c' ? { names: ['b'], next_cursor: null } : { names: ['a'], next_cursor: 'c' };
      return { status: 200, headers: new Headers(), body: page as Body };
    },
    async *lines() {},
  };
  const stream = { write: (text: string) => record.push(text) };
  const output = createOutput({ stdout: stream, stderr: stream }, {}, () => flags);
  const list = { name: 'names', columns: [{ title: 'NAME', text: (name: string) => name }] };
  const call = { method: 'GET', path: '/names' } as const;
  const context = { api: async () => api, output };
  await printPages<Page, string>(context, call, ({ names }) => names, { ...list, members: (count) => ({ count }) });
  return record;
}

test('lines leave with their page', async () => {
  expect(await printTwoPages({ ndjson: true })).toEqual(['call first', '"a"\n', 'call c', '"b"\n']);
});

test('a document and columns hold all pages', async () => {
  const [, , document = ''] = await printTwoPages({ json: true });
  expect(JSON.parse(document)).toEqual({ names: ['a', 'b'], count: 2 });
  expect((await printTwoPages({})).slice(2)).toEqual(['NAME\na\nb\n']);
});
