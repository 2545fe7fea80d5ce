import { expect, test } from 'vitest';
import type { Api } from '../../../../src/cli/api.ts';
import { refuse } from '../../../../src/cli/transfer/lines/read-lines.ts';
import { sendLines } from '../../../../src/cli/transfer/lines/send-lines.ts';
import type { SourceLine } from '../../../../src/cli/transfer/lines/source-line.ts';

const options = { dryRun: false, verify: true, replace: false };

/** An import that reads line by line, and creates what is JSON of an object. `last` replaces its summary. */
function createApi(last: unknown = { done: true }, breakAfter = Number.POSITIVE_INFINITY) {
  const sent: string[] = [];
  const queries: unknown[] = [];
  const api: Pick<Api, 'lines'> = {
    async *lines({ query, body }) {
      queries.push(query);
      let line = 0;
      for await (const chunk of body ?? []) {
        for (const text of chunk.replace(/\n$/, '').split('\n')) {
          line++;
          sent.push(text);
          if (line > breakAfter) throw new TypeError('terminated');
          if (text === '') continue;
          const isGrant = text.startsWith('{');
          const errors = isGrant ? [] : [{ path: 'body', message: 'is no object' }];
          yield {
            line,
            action: isGrant ? 'created' : 'failed',
            code: isGrant ? null : 'invalid_request',
            errors,
            grant_id: null,
          };
        }
      }
      if (last !== null) yield last;
    },
  };
  return { api: api as Api, sent, queries };
}

async function* batches(...lists: SourceLine[][]) {
  yield* lists;
}

async function collect(results: AsyncIterable<unknown>) {
  const found = [];
  for await (const result of results) found.push(result);
  return found;
}

test('each result has the number of its own line, and a line refused here its own reason', async () => {
  const { api, sent, queries } = createApi();
  const source = batches(
    [
      { line: 2, content: '{"a":1}' },
      { line: 5, content: refuse('payload_too_large', 'is too long') },
    ],
    [{ line: 6, from: 'slack/c1', content: '{"b":2}' }],
  );
  expect(await collect(sendLines(api, source, options))).toEqual([
    { line: 2, action: 'created', code: null, errors: [], grant_id: null },
    {
      line: 5,
      action: 'failed',
      code: 'payload_too_large',
      errors: [{ path: 'body', message: 'is too long' }],
      grant_id: null,
    },
    { line: 6, from: 'slack/c1', action: 'created', code: null, errors: [], grant_id: null },
  ]);
  expect(sent).toEqual(['{"a":1}', '"refused"', '{"b":2}']);
  expect(queries).toEqual([{ dry_run: false, verify: true, replace: false }]);
});

test('a source that waits ends the request, and its next line begins another', async () => {
  const { api, sent, queries } = createApi();
  let resume = () => {};
  const paused = new Promise<void>((resolve) => {
    resume = resolve;
  });
  async function* slow() {
    yield [{ line: 1, content: '{"a":1}' }];
    await paused;
    yield [{ line: 2, content: '{"b":2}' }];
  }
  const seen: unknown[] = [];
  const sending = (async () => {
    for await (const result of sendLines(api, slow(), options, 5)) seen.push(result);
  })();
  await expect.poll(() => seen).toMatchObject([{ line: 1, action: 'created' }]);
  expect(queries).toHaveLength(1);
  resume();
  await sending;
  expect(seen).toMatchObject([{ line: 1 }, { line: 2, action: 'created' }]);
  expect(sent).toEqual(['{"a":1}', '{"b":2}']);
  expect(queries).toHaveLength(2);
});

test.each<[string, unknown, number, RegExp, number]>([
  [
    'a last line with a problem',
    { error: { code: 'service_unavailable', detail: 'ending' } },
    9,
    /ended early: ending/,
    75,
  ],
  ['a last line with another problem', { error: { code: 'internal_error', detail: 'failed' } }, 9, /ended early/, 1],
  ['no summary', null, 9, /ended in the middle/, 75],
  ['a broken connection', { done: true }, 1, /ended in the middle/, 75],
])('%s is a failure after the results before it', async (_end, last, breakAfter, message, exitCode) => {
  const { api } = createApi(last, breakAfter);
  const seen: unknown[] = [];
  const sending = (async () => {
    const source = batches([{ line: 1, content: '{"a":1}' }], [{ line: 2, content: '{"b":2}' }]);
    for await (const result of sendLines(api, source, options)) seen.push(result);
  })();
  await expect(sending).rejects.toMatchObject({ message: expect.stringMatching(message), exitCode });
  expect(seen[0]).toMatchObject({ line: 1, action: 'created' });
});

test('a source that fails ends the request in order: the results before it are not lost', async () => {
  const { api } = createApi();
  async function* failing() {
    yield [{ line: 1, content: '{"a":1}' }];
    throw new Error('the source is gone');
  }
  const seen: unknown[] = [];
  const sending = (async () => {
    for await (const result of sendLines(api, failing(), options)) seen.push(result);
  })();
  await expect(sending).rejects.toThrow('the source is gone');
  expect(seen).toMatchObject([{ line: 1, action: 'created' }]);
});
