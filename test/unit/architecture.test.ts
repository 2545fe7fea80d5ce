import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commentFaults, commentsOf } from '../support/architecture/comment-faults.ts';
import { fileFaults, readmeFaults, sizeFaults } from '../support/architecture/file-faults.ts';
import { layers, maxFilesPerFolder, rooms } from '../support/architecture/house.ts';
import { importFaults, unusedPermissions } from '../support/architecture/import-faults.ts';
import { importsOf, layerOf, projectRoot, readTree, roomOf, type Tree } from '../support/architecture/source-tree.ts';

const codeFolders = ['src', 'migrations', 'test', 'bench', 'examples'];
const tree = readTree(projectRoot, ['src', 'migrations']);
const code = readTree(projectRoot, codeFolders);
const readmes = readTree(projectRoot, ['src'], 'README.md');
const foldersBelowSrc = globSync('src/**/', { cwd: projectRoot }).map((folder) =>
  folder.replaceAll('\\', '/').replace(/\/$/, ''),
);
const treeOf = (files: Record<string, string>): Tree => new Map(Object.entries(files));
const faultsOf = (sources: Tree) => [...fileFaults(sources), ...importFaults(sources)];

describe('the architecture check sees the whole tree', () => {
  test('it reads every source file that a glob finds', () => {
    const listed = globSync(['src/**/*.ts', 'migrations/**/*.ts'], { cwd: projectRoot }).map((file) =>
      file.replaceAll('\\', '/'),
    );
    expect([...tree.keys()].toSorted()).toEqual(listed.toSorted());
  });

  test('it reads source files of every layer and room of the tables', () => {
    const found = new Set([...tree.keys()].flatMap((file) => [layerOf(file), `${layerOf(file)}/${roomOf(file)}`]));
    const expected = [
      ...Object.keys(layers),
      ...Object.entries(rooms).flatMap(([layer, table]) => Object.keys(table).map((room) => `${layer}/${room}`)),
    ];
    expect(expected.filter((place) => !found.has(place))).toEqual([]);
  });

  test('it knows every room of a layer that has rooms', () => {
    const found = new Set(
      [...tree.keys()].filter((file) => roomOf(file) !== '').map((file) => `${layerOf(file)}/${roomOf(file)}`),
    );
    const known = Object.entries(rooms).flatMap(([layer, table]) =>
      Object.keys(table).map((room) => `${layer}/${room}`),
    );
    expect([...found].filter((place) => (place.split('/', 1)[0] ?? '') in rooms && !known.includes(place))).toEqual([]);
  });

  test('it sees every import, as counted by the lines that must hold one', () => {
    for (const [file, text] of tree) {
      const lines = text
        .split('\n')
        .filter(
          (line) => /^import\b|^(export\b.*|\}) from '|\bimport\('/.test(line) && !/^import (type )?\{$/.test(line),
        );
      expect(importsOf(file, text), file).toHaveLength(lines.length);
    }
    const known = importsOf('src/jobs/create-jobs.ts', tree.get('src/jobs/create-jobs.ts') ?? '').map(
      ({ specifier }) => specifier,
    );
    expect(known).toContain('../domain/ports/maintenance/queue.ts');
    expect(known).toContain('node:timers/promises');
  });
});

describe('the architecture check can fail', () => {
  const domain = { 'src/domain/grants/grant.ts': 'export const grant = 1;' };
  test.each<[fault: string, files: Record<string, string>]>([
    [
      'src/domain/a.ts imports src/broker/b.ts: domain may not import broker',
      { 'src/domain/a.ts': "import { b } from '../broker/b.ts';", 'src/broker/b.ts': '' },
    ],
    [
      'src/http/a.ts imports src/postgres/b.ts: http may not import postgres',
      { 'src/http/a.ts': "import type {\n  B,\n} from '../postgres/b.ts';", 'src/postgres/b.ts': '' },
    ],
    [
      'src/oauth/a.ts imports src/app.ts: oauth may not import app',
      { 'src/oauth/a.ts': "await import('../app.ts');", 'src/app.ts': '' },
    ],
    [
      'src/broker/credentials/a.ts imports src/broker/grants/b.ts: credentials may not import grants',
      { 'src/broker/credentials/a.ts': "import { b } from '../grants/b.ts';", 'src/broker/grants/b.ts': '' },
    ],
    [
      'src/postgres/cache/a.ts imports src/postgres/refresh/b.ts: cache may not import refresh',
      { 'src/postgres/cache/a.ts': "import type { B } from '../refresh/b.ts';", 'src/postgres/refresh/b.ts': '' },
    ],
    [
      'src/oauth/requests/a.ts imports src/oauth/all.ts, which assembles the rooms',
      {
        'src/oauth/requests/a.ts': "import { all } from '../all.ts';",
        'src/oauth/all.ts': "import { b } from './responses/b.ts';",
        'src/oauth/responses/b.ts': '',
      },
    ],
    ['src/http/a.ts imports src/http/b.ts, which is not there', { 'src/http/a.ts': "import { b } from './b.ts';" }],
    [
      "src/http/a.ts imports the package kysely, which is not http's",
      { 'src/http/a.ts': "import { sql } from 'kysely/helpers/postgres';" },
    ],
    [
      "src/jobs/a.ts imports the package @fastify/cookie, which is not jobs's",
      { 'src/jobs/a.ts': "import cookie from '@fastify/cookie';" },
    ],
    [
      "src/http/a.ts imports the package left-pad, which is not http's",
      { 'src/http/a.ts': "import pad from 'left-pad';" },
    ],
    ['src/domain/a.ts imports node:fs', { 'src/domain/a.ts': "import { readFileSync } from 'node:fs';" }],
    [
      'cycle: src/http/a.ts → src/http/b.ts → src/http/a.ts',
      { 'src/http/a.ts': "import { b } from './b.ts';", 'src/http/b.ts': "import type { A } from './a.ts';" },
    ],
    [
      'src/http/a.ts is a barrel',
      { 'src/http/a.ts': "export * from '../domain/grants/grant.ts';\nexport const more = 1;", ...domain },
    ],
    [
      'src/http/a.ts is a barrel',
      { 'src/http/a.ts': "/** All of it. */\nexport { grant } from '../domain/grants/grant.ts';", ...domain },
    ],
    ['src/http/index.ts is named after no subject', { 'src/http/index.ts': '' }],
    ['src/http/url-utils.ts is named after no subject', { 'src/http/url-utils.ts': '' }],
    ['src/http/readBody.ts is not in kebab case', { 'src/http/readBody.ts': '' }],
    ['src/services/a.ts belongs to no layer', { 'src/services/a.ts': '' }],
    ['src/app.ts reads the environment', { 'src/app.ts': 'const port = process.env.PORT;' }],
    ['src/app.ts reads the environment', { 'src/app.ts': "import { argv, env } from 'node:process';" }],
  ])('%s', (fault, files) => {
    expect(faultsOf(treeOf(files))).toEqual([fault]);
  });

  test('it passes what the tables allow', () => {
    const files = {
      ...domain,
      'src/broker/a.ts': "// import { x } from '../http/x.ts';\nimport { grant } from '../domain/grants/grant.ts';",
      'src/http/routes/a.ts': "import fastify from 'fastify';\nimport { a } from '../../broker/a.ts';",
      'src/config.ts': 'export const read = (env = process.env) => env;',
    };
    expect(faultsOf(treeOf(files))).toEqual([]);
  });
});

describe('the checks of sizes, READMEs, permissions and comments can fail', () => {
  test('a file with too many lines, and a folder with too many files', () => {
    expect(sizeFaults(treeOf({ 'src/http/a.ts': `${'\n'.repeat(200)}x`, 'test/a.ts': 'x\n'.repeat(300) }))).toEqual([
      'src/http/a.ts has 201 lines, more than 200',
    ]);
    const files = Array.from({ length: maxFilesPerFolder + 1 }, (_, n) => [`src/http/a${n}.ts`, ''] as const);
    expect(sizeFaults(new Map(files))).toEqual(['src/http holds 16 files, more than 15']);
    expect(sizeFaults(new Map(files.slice(1)))).toEqual([]);
  });

  test('a folder without a README, and a README that is too short or too long', () => {
    const written = treeOf({
      'src/a/README.md': 'one\n\nthree\nfour\n',
      'src/b/README.md': 'x\n'.repeat(21),
      'src/c/README.md': 'x\n'.repeat(20),
    });
    expect(readmeFaults(['src/a', 'src/b', 'src/c', 'src/d'], written)).toEqual([
      'src/a/README.md has 4 lines: 5 to 20 are wanted',
      'src/b/README.md has 21 lines: 5 to 20 are wanted',
      'src/d has no README.md',
    ]);
  });

  test('a permission that no file uses: of a layer, a room, and a package', () => {
    const without = new Map(
      [...tree].filter(([file]) => layerOf(file) !== 'jobs' && !file.startsWith('src/oauth/requests/')),
    );
    expect(unusedPermissions(without)).toEqual(
      expect.arrayContaining([
        'no file uses jobs → domain',
        'no file uses oauth/requests → oauth/responses',
        'no file uses jobs → package bullmq',
      ]),
    );
  });

  test.each([
    ['// Where it goes.', 'src/a.ts:1 starts a comment with Where: begin with a verb or the thing'],
    ['\n\t/** What it is. */', 'src/a.ts:2 starts a comment with What: begin with a verb or the thing'],
    ['/**\n * Of the\n * thing.\n */', 'src/a.ts:1 starts a comment with Of: begin with a verb or the thing'],
    ['const a = 1;\t// of two', 'src/a.ts:1 starts a comment with of: begin with a verb or the thing'],
    ['// The first\n// that nobody reads.', 'src/a.ts:1 says nobody: name the process, caller, provider or row'],
    ['/** For whoever\n * waits. */', 'src/a.ts:1 says whoever: name the process, caller, provider or row'],
  ])('a comment that breaks the rules of the language: %s', (text, fault) => {
    expect(commentFaults(treeOf({ 'src/a.ts': text }))).toEqual([fault]);
  });

  test('a comment is read from its first to its last line, and code is no comment', () => {
    const text = "/**\n * One\n * two.\n */\nconst url = 'https://x.example'; // three\n// four\n// five\n";
    expect(commentsOf(text)).toEqual([
      { line: 1, text: 'One two.' },
      { line: 5, text: 'three' },
      { line: 6, text: 'four five' },
    ]);
    expect(
      commentFaults(treeOf({ 'src/a.ts': "const what = 'nobody'; // The somewhat whatever.\n// Offers it." })),
    ).toEqual([]);
  });
});

test('the tree keeps to the tables of the house', () => {
  expect(faultsOf(tree)).toEqual([]);
});

test('every permission of the tables is used', () => {
  expect(unusedPermissions(tree)).toEqual([]);
});

test('files and folders keep to their sizes', () => {
  expect(sizeFaults(code)).toEqual([]);
});

test('every folder below src has a README', () => {
  expect(foldersBelowSrc.length).toBeGreaterThan(30);
  expect(readmeFaults(foldersBelowSrc, readmes)).toEqual([]);
});

test('every source file that the documents name exists', () => {
  const documents = ['README.md', 'docs/ARCHITECTURE.md', 'docs/CONTRIBUTING.md'].map((file) =>
    readFileSync(join(projectRoot, file), 'utf8'),
  );
  const named = documents.flatMap((text) =>
    [...text.matchAll(/`(src\/[\w/.-]+|test\/[\w/.-]+)`/g)].map(([, path = '']) => path),
  );
  expect(named.length).toBeGreaterThan(40);
  // Capitals are placeholders, such as RESOURCE.
  const real = named.filter((path) => !/[A-Z]{2}/.test(path));
  expect(real.filter((path) => !existsSync(join(projectRoot, path)))).toEqual([]);
});

test('comments keep to the rules of the language', () => {
  expect(commentFaults(code)).toEqual([]);
});
