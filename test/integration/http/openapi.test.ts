import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { contract } from '../../../src/http/contract/contract.ts';
import { buildDocument } from '../../../src/http/openapi/document.ts';
import { createSchemaCollector } from '../../../src/http/openapi/schema-collector.ts';
import { problems } from '../../../src/http/problem.ts';
import { createHttpFixture, type HttpFixture } from '../../support/http/server-fixture.ts';

const root = new URL('../../../', import.meta.url);

describe('the OpenAPI document', () => {
  let fixture: HttpFixture;
  beforeAll(async () => {
    fixture = await createHttpFixture();
  });
  afterAll(() => fixture.app.close());

  test('openapi.yaml equals the document built from the contract', async () => {
    const { version } = JSON.parse(await readFile(new URL('package.json', root), 'utf8'));
    const written = parse(await readFile(new URL('openapi.yaml', root), 'utf8'));
    expect(written).toEqual(JSON.parse(JSON.stringify(buildDocument({ version, serverUrl: '/' }))));
  });

  test('redocly finds no errors and no warnings in openapi.yaml', async () => {
    const cli = new URL('node_modules/@redocly/cli/bin/cli.js', root).pathname;
    const run = promisify(execFile)(process.execPath, [cli, 'lint', 'openapi.yaml', '--format=json'], {
      cwd: root.pathname,
      env: { ...process.env, REDOCLY_TELEMETRY: 'off' },
    });
    const { totals } = JSON.parse((await run).stdout);
    expect(totals).toEqual({ errors: 0, warnings: 0, ignored: 0 });
  });

  test('every declared route is served, and no other route', () => {
    const declared = contract.map(({ method, path }) => `${method} ${path}`).sort();
    expect(new Set(declared).size).toBe(declared.length);
    for (const { method, path } of contract) {
      expect(fixture.app.hasRoute({ method, url: path.replace(/\{(\w+)\}/g, ':$1') }), `${method} ${path}`).toBe(true);
    }
    const routes = fixture.app.printRoutes({ commonPrefix: false }).match(/\(([A-Z, ]+)\)/g) ?? [];
    const served = routes.flatMap((methods) => methods.slice(1, -1).split(', '));
    expect(served.filter((method) => method !== 'HEAD')).toHaveLength(declared.length);
  });

  test('every problem code is documented on a route and on the documentation page', async () => {
    const document = (await fixture.app.inject({ url: '/openapi.json' })).json();
    const page = (await fixture.app.inject({ url: '/docs' })).body;
    const text = JSON.stringify(document.paths);
    for (const code of Object.keys(problems)) {
      // No operation can end in it: an operation is a path with one of its methods.
      if (code !== 'method_not_allowed') expect(text, code).toContain(`#/components/schemas/Problem_${code}"`);
      expect(page).toContain(`id="${code}"`);
    }
  });

  test('every example in the contract matches its schema', () => {
    for (const { operationId, body, bodyExample, responses } of contract) {
      if (body !== undefined) expect(body.safeParse(bodyExample ?? {}).success, operationId).toBe(true);
      for (const { schema, example } of Object.values(responses)) {
        if (schema !== undefined && example !== undefined) expect(schema.parse(example), operationId).toEqual(example);
      }
    }
  });

  test('response schemas allow further members, request schemas do not', () => {
    const { schemaOf, components } = createSchemaCollector();
    for (const { body, responses } of contract) {
      if (body !== undefined) schemaOf(body, 'input');
      for (const { schema } of Object.values(responses)) if (schema !== undefined) schemaOf(schema, 'output');
    }
    expect(components().NewConnection).toMatchObject({ additionalProperties: false });
    expect(components().Connection).not.toHaveProperty('additionalProperties');
  });

  test('the documentation page loads nothing from other hosts and names every operation', async () => {
    const response = await fixture.app.inject({ url: '/docs' });
    expect(response.headers['content-security-policy']).toContain("default-src 'none'");
    expect(response.body).not.toMatch(/<script|<img|<link|src=/);
    for (const { operationId } of contract) expect(response.body).toContain(`id="${operationId}"`);
  });

  test('the base path is the server URL of the document', async () => {
    const based = await createHttpFixture({}, { basePath: '/api/oauth' });
    const document = (await based.app.inject({ url: '/api/oauth/openapi.json' })).json();
    expect(document.servers).toEqual([{ url: '/api/oauth' }]);
    await based.app.close();
  });
});

test('a route without a declaration stops the server from starting', async () => {
  const { refuseUndeclaredRoutes } = await import('../../../src/http/mount.ts');
  const app = fastify();
  refuseUndeclaredRoutes(app);
  expect(() => app.get('/secret', async () => 'open')).toThrow('not declared');
});
