import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { projectRoot, readTree, withoutComments } from '../../support/architecture/source-tree.ts';
import { type LogCall, logCallsOf } from '../../support/monitoring/log-calls.ts';

/** Calls that pass on a message of another place, with the messages that they can write. */
const passedOn: Record<string, readonly [level: string, message: string][]> = {
  'src/app.ts: message': [],
  'src/app/foundation.ts: message': [],
  'src/app/log/failure-log.ts: message': [
    ['warn', 'authorization failed'],
    ['warn', 'test of connection failed'],
  ],
};

describe('the scanner', () => {
  const cases: [source: string, call: Partial<LogCall>][] = [
    ["log.info('closed')", { level: 'info', messages: ['closed'], fields: [] }],
    [
      "log.warn({ a, b: f(1, 2), ...c }, 'it, failed')",
      { level: 'warn', messages: ['it, failed'], fields: ['a', 'b'] },
    ],
    ["request.log.error({ err: e }, s === 'x' ? 'one' : 'two')", { level: 'error', messages: ['one', 'two'] }],
    ["log('info', 'made', { directory })", { level: 'info', messages: ['made'], fields: ['directory'] }],
    ["log[level]({ text }, 'output')", { level: 'varies', messages: ['output'] }],
    ['log[level](fields, message)', { level: 'varies', messages: [], variable: 'message' }],
  ];
  test.each(cases)('reads %s', (source, call) => {
    expect(logCallsOf(source)).toEqual([expect.objectContaining(call)]);
  });
});

const calls = [...readTree(projectRoot, ['src'])].flatMap(([path, text]) =>
  logCallsOf(withoutComments(text)).map((call) => ({ path, ...call })),
);
const shown = calls.filter(({ level }) => level !== 'debug' && level !== 'trace');
const written = shown.flatMap(({ level, messages, fields }) =>
  messages.map((message) => ({ key: `${level}: ${message}`, fields })),
);
const table = logTable();

test('every log call has a constant message, or is known to pass one on', () => {
  const variable = shown.filter((call) => call.variable !== null).map((call) => `${call.path}: ${call.variable}`);
  expect(variable.sort()).toEqual(Object.keys(passedOn).sort());
});

test('the operations manual lists exactly the events that the service logs at info and above', () => {
  const further = Object.values(passedOn).flatMap((events) => events.map(([level, message]) => `${level}: ${message}`));
  expect([...table.keys()].sort()).toEqual([...new Set([...written.map(({ key }) => key), ...further])].sort());
});

test('the table names every field that a log call names', () => {
  const missing = written.flatMap(({ key, fields }) =>
    fields
      .filter((field) => table.get(key)?.fields.includes(`\`${field}\``) !== true)
      .map((field) => `${key}: ${field}`),
  );
  expect(missing).toEqual([]);
});

test('every event has a meaning and says what to do', () => {
  for (const [key, { meaning, action }] of table) expect([key, meaning, action]).not.toContain('');
});

function logTable() {
  const text = readFileSync(join(projectRoot, 'docs/OPERATIONS.md'), 'utf8');
  const [, chapter = ''] = text.split('\n## Log events\n');
  const rows = chapter
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| level '))
    .map((line) => line.slice(2, -2).split(' | '));
  return new Map(
    rows.map(([level = '', message = '', fields = '', meaning = '', action = '']) => [
      `${level}: ${message.replaceAll('`', '')}`,
      { fields, meaning, action },
    ]),
  );
}
