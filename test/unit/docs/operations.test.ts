import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { statusReasons } from '../../../src/domain/grants/grant.ts';
import { warningCodes } from '../../../src/domain/grants/warnings.ts';
import { problems } from '../../../src/http/problem.ts';
import { projectRoot } from '../../support/architecture/source-tree.ts';

const manual = readFileSync(join(projectRoot, 'docs/OPERATIONS.md'), 'utf8');
const readme = readFileSync(join(projectRoot, 'README.md'), 'utf8');

/** Placeholders in the examples of the manual. */
/** Names of the manual alone: a setting of another program, and shell variables of the commands that make a copy. */
const foreign = ['SOCKET_DIRECTORY', 'COPY_DATABASE_URL', 'COPY_DATA_DIR'];

describe('the chapter Troubleshoot', () => {
  const tables: [heading: string, codes: readonly string[]][] = [
    ['Status reasons', statusReasons],
    ['Problem codes', Object.keys(problems)],
    ['Warnings', warningCodes],
  ];

  test.each(tables)('%s has one row for each code of the source, and no other', (heading, codes) => {
    expect([...rowsOf(heading).keys()].sort()).toEqual([...codes].sort());
  });

  test.each(tables)('%s names a cause and a cure in each row', (heading) => {
    for (const [code, cells] of rowsOf(heading)) {
      expect(cells, code).toHaveLength(2);
      expect(cells, code).not.toContain('');
    }
  });
});

test('every environment variable that the manual names is in the configuration table', () => {
  const known = new Set([...variablesOf(configurationTable()), ...foreign]);
  const named = variablesOf(manual).map((name) => name.replace(/_FILE$/, ''));
  expect([...new Set(named)].filter((name) => !known.has(name))).toEqual([]);
});

test('every variable with a file form in the manual has one in the service', () => {
  const row = readme.split('\n').find((line) => line.startsWith('| `…_FILE`')) ?? '';
  const files = variablesOf(manual).filter((name) => name.endsWith('_FILE'));
  expect(files.filter((name) => !row.includes(`\`${name.replace(/_FILE$/, '')}\``))).toEqual([]);
});

test('every chapter that the manual promises is there', () => {
  const chapters = [...manual.matchAll(/^## (.+)$/gm)].map(([, title]) => title);
  expect(chapters).toEqual([
    'Run',
    'Two database roles',
    'Scale out',
    'Back up and restore',
    'Upgrade',
    'Move off the embedded database',
    'Rotate secrets',
    'Troubleshoot',
    'Watch',
    'Log events',
  ]);
});

test('every migration that the manual names exists', () => {
  const names = [...manual.matchAll(/`(\d{4}-\d\d-\d\d-\d\d-[a-z-]+)`/g)].map(([, name]) => name);
  expect(names).not.toEqual([]);
  for (const name of names) expect(() => readFileSync(join(projectRoot, `migrations/${name}.ts`))).not.toThrow();
});

/** Returns the cells after the first of each row below a heading of the third level, by the code in the first cell. */
function rowsOf(heading: string): Map<string, string[]> {
  const section = manual.split(`\n### ${heading}\n`)[1]?.split(/\n##+ /)[0] ?? '';
  const rows = section.split('\n').filter((line) => /^\| `/.test(line));
  return new Map(
    rows
      .slice(1)
      .map((line) => line.slice(2, -2).split(' | '))
      .map(([code = '', ...cells]) => [code.replaceAll('`', ''), cells]),
  );
}

function configurationTable(): string {
  return readme.split('\n### Configuration\n')[1]?.split('\n### ')[0] ?? '';
}

/** Finds names such as DATABASE_URL. */
function variablesOf(text: string): string[] {
  return [...text.matchAll(/(?<![A-Za-z_./])[A-Z]{2,}(?:_[A-Z]+)+(?![A-Za-z_])/g)].map(([name]) => name);
}
