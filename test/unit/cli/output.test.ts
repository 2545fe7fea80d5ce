import { describe, expect, test } from 'vitest';
import { tableLines } from '../../../src/cli/output/columns.ts';
import { mask } from '../../../src/cli/output/mask.ts';
import { createOutput, type OutputFlags } from '../../../src/cli/output/output.ts';
import { dueTime, relativeTime } from '../../../src/cli/output/relative-time.ts';
import { plainStyle, styleFor } from '../../../src/cli/output/style.ts';

function openOutput(flags: OutputFlags = {}, isTTY = false) {
  const written = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof written) => ({ isTTY, write: (text: string) => (written[name] += text) });
  const output = createOutput({ stdout: stream('stdout'), stderr: stream('stderr') }, { TERM: 'xterm' }, () => flags);
  return { output, written };
}

const items = [
  { name: 'a', note: null },
  { name: '連絡先', note: 'two' },
];
const columns = [
  { title: 'NAME', text: ({ name }: (typeof items)[number]) => name },
  { title: 'NOTE', text: ({ note }: (typeof items)[number]) => note },
];

describe('a list', () => {
  test('is aligned for people, by cells of the terminal', () => {
    expect(tableLines(items, columns, plainStyle)).toEqual(['NAME    NOTE', 'a       -', '連絡先  two']);
  });

  test('cannot control the terminal', () => {
    const [, line] = tableLines([{ name: 'a\u001b]0;x\u0007\nb\u009b1m', note: '' }], columns.slice(0, 1), plainStyle);
    expect(line).not.toMatch(/[\p{Cc}]/u);
  });

  test('is one document, a line an item, or words on stderr if it is empty', async () => {
    const document = openOutput({ json: true });
    await document.output.list({ name: 'things', items, columns, members: { count: 2 } });
    expect(JSON.parse(document.written.stdout)).toEqual({ things: items, count: 2 });
    const lines = openOutput({ ndjson: true });
    await lines.output.list({ name: 'things', items, columns });
    expect(
      lines.written.stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(items);
    const empty = openOutput();
    await empty.output.list({ name: 'things', items: [], columns });
    expect(empty.written).toEqual({ stdout: '', stderr: 'No things.\n' });
  });
});

describe('words', () => {
  test('go to stderr and leave stdout to data', async () => {
    const { output, written } = openOutput();
    output.say('said');
    output.warn('warned');
    await output.document({ id: 1 }, [['id', 1]]);
    expect(written).toEqual({ stdout: 'id  1\n', stderr: 'said\nwarning: warned\n' });
  });
});

describe('colour', () => {
  const style = (isTTY: boolean, environment: Record<string, string>, isWanted = true) =>
    styleFor({ isTTY }, environment, isWanted)('red', 'x');

  test('appears on a terminal only, and not against the wish of the person', () => {
    expect(style(true, { TERM: 'xterm' })).toBe('\u001b[31mx\u001b[39m');
    expect(style(false, { TERM: 'xterm' })).toBe('x');
    expect(style(true, { TERM: 'xterm', NO_COLOR: '1' })).toBe('x');
    expect(style(true, { TERM: 'dumb' })).toBe('x');
    expect(style(true, { TERM: 'xterm' }, false)).toBe('x');
  });
});

test.each([
  ['2026-01-01T00:00:00Z', 'now'],
  ['2026-01-01T00:00:59Z', 'in 59 s'],
  ['2026-01-01T00:54:30Z', 'in 54 min'],
  ['2025-12-31T22:00:00Z', '2 h ago'],
  ['2025-12-28T12:00:00Z', '3 d ago'],
  ['2027-06-01T00:00:00Z', 'in 1 y'],
  [null, '-'],
])('the time %s is %s', (time, text) => {
  expect(relativeTime(time, Date.parse('2026-01-01T00:00:00Z'))).toBe(text);
});

test.each([
  ['2025-12-31T23:59:00Z', 'due'],
  ['2026-01-01T00:54:00Z', 'in 54 min'],
  [null, '-'],
])('a refresh that was to begin in the past is due: %s', (time, text) => {
  expect(dueTime(time, Date.parse('2026-01-01T00:00:00Z'))).toBe(text);
});

test('a masked secret shows a quarter at most', () => {
  expect(mask('short-secret')).toBe('…');
  expect(mask('0123456789abcdef')).toBe('0123…');
});
