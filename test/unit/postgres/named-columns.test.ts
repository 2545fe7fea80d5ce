import { describe, expect, test } from 'vitest';
import { projectRoot, readTree } from '../../support/architecture/source-tree.ts';

/** A statement that returns every column of a table fails in running processes when a migration adds a column. */
const everyColumn = [
  /\b(?:select|returning)All\s*\(/,
  /\b(?:select|returning|distinct)\s+\*/i,
  /,\s*\*\s*(?:,|\bfrom\b)/i,
  /[\w}"]\.\*/,
];

function starsIn(tree: ReadonlyMap<string, string>): string[] {
  return [...tree].flatMap(([file, text]) =>
    text.split('\n').flatMap((line, n) => {
      const isStar = everyColumn.some((pattern) => pattern.test(line));
      return isStar ? [`${file}:${n + 1}: ${line.trim()}`] : [];
    }),
  );
}

describe('named columns', () => {
  test('every statement in src/postgres names the columns it reads', () => {
    const tree = readTree(projectRoot, ['src/postgres']);
    expect(tree.size).toBeGreaterThan(30);
    expect(starsIn(tree)).toEqual([]);
  });

  test.each([
    "db.selectFrom('grants').selectAll()",
    "db.selectFrom('grants').selectAll('grants')",
    "db.deleteFrom('grants').returningAll()",
    'select * from grants',
    'cross join lateral (select * from grants where id = item.id) as g',
    'with claimed as (delete from grants returning *)',
    'SELECT distinct * from grants',
    'delete from grants returning *',
    'select c.*, g.id from connections c',
    'select id, * from grants',
    'select "grants".* from grants',
  ])('the check for named columns finds %s', (line) => {
    expect(starsIn(new Map([['file.ts', line]]))).toHaveLength(1);
  });
});
