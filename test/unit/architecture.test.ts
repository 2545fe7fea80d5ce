import { globSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { faultsOf } from '../support/architecture.ts';
import { importsOf, layerOf, projectRoot, readTree } from '../support/source-tree.ts';

const tree = readTree(projectRoot, ['src', 'migrations']);

describe('the check sees the tree', () => {
  test('every source file, as found by another way of looking', () => {
    const listed = globSync(['src/**/*.ts', 'migrations/**/*.ts'], { cwd: projectRoot }).map((file) =>
      file.replaceAll('\\', '/'),
    );
    expect([...tree.keys()].toSorted()).toEqual(listed.toSorted());
  });

  test('every layer of the house has files in it', () => {
    const layers = new Set([...tree.keys()].map(layerOf));
    for (const layer of [
      'domain',
      'broker',
      'oauth',
      'http',
      'jobs',
      'postgres',
      'crypto',
      'embedded',
      'app',
      'main',
      'config',
      'migrations',
    ]) {
      expect(layers, layer).toContain(layer);
    }
  });

  test('every import, as counted by the lines that must hold one', () => {
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
    expect(known).toContain('../domain/ports/upkeep.ts');
    expect(known).toContain('node:timers/promises');
  });
});

describe('the check can fail', () => {
  const domain = { 'src/domain/grant.ts': 'export const grant = 1;' };
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
      'src/client/a.ts imports src/domain/grant.ts: client may not import domain',
      { 'src/client/a.ts': "import '../domain/grant.ts';", ...domain },
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
      { 'src/http/a.ts': "export * from '../domain/grant.ts';\nexport const more = 1;", ...domain },
    ],
    [
      'src/http/a.ts is a barrel',
      { 'src/http/a.ts': "/** All of it. */\nexport { grant } from '../domain/grant.ts';", ...domain },
    ],
    [
      'src/http/a.ts imports src/http/b.ts, which needs a development package',
      { 'src/http/a.ts': "import './b.ts';", 'src/http/b.ts': "import { stringify } from 'yaml';" },
    ],
    ['src/http/index.ts is named after no subject', { 'src/http/index.ts': '' }],
    ['src/http/url-utils.ts is named after no subject', { 'src/http/url-utils.ts': '' }],
    ['src/http/readBody.ts is not in kebab case', { 'src/http/readBody.ts': '' }],
    ['src/services/a.ts belongs to no layer', { 'src/services/a.ts': '' }],
    ['src/app.ts reads the environment', { 'src/app.ts': 'const port = process.env.PORT;' }],
    ['src/app.ts reads the environment', { 'src/app.ts': "import { argv, env } from 'node:process';" }],
  ])('%s', (fault, files) => {
    expect(faultsOf(new Map(Object.entries(files)))).toEqual([fault]);
  });

  test('and passes what is allowed', () => {
    const files = {
      ...domain,
      'src/broker/a.ts': "// import { x } from '../http/x.ts';\nimport { grant } from '../domain/grant.ts';",
      'src/http/routes/a.ts': "import fastify from 'fastify';\nimport { a } from '../../broker/a.ts';",
      'src/config.ts': 'export const read = (env = process.env) => env;',
    };
    expect(faultsOf(new Map(Object.entries(files)))).toEqual([]);
  });
});

test('the tree keeps to the house', () => {
  expect(faultsOf(tree)).toEqual([]);
});
