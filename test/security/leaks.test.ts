import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { contract } from '../../src/http/contract/contract.ts';
import { canaries, canary, leaksIn } from './canaries.ts';
import { type Output, runEveryFlow } from './leak-flows.ts';
import { openScene, type Scene } from './scene.ts';

describe('leaks of secrets, at log level trace, in every flow and its failures', () => {
  let scene: Scene;
  let outputs: Output[];

  beforeAll(async () => {
    const adminKey = canary('admin');
    const encryptionKey = randomBytes(32).toString('base64');
    canaries.set(encryptionKey, 'encryption key');
    const secrets = { ADMIN_API_KEY: adminKey, ENCRYPTION_KEYS: `k1:${encryptionKey}` };
    const timeouts = { PROVIDER_TIMEOUT_MS: '1000', PROVIDER_CALL_CAP_MS: '1000' };
    scene = await openScene({ LOG_LEVEL: 'trace', ...secrets, ...timeouts });
    canaries.set(new URL(scene.env.DATABASE_URL ?? '').password, 'database password');
    outputs = await runEveryFlow(scene);
  });
  afterAll(() => scene?.close());

  test('every kind of secret passed through the flows, and the search finds each', () => {
    const kinds = new Set(canaries.values());
    const expected = [
      'access',
      'refresh',
      'clientsecret',
      'code',
      'state',
      'verifier',
      'api key',
      'encryption key',
      'admin',
      'extra',
      'idtoken',
      'database password',
    ];
    for (const kind of expected) expect(kinds).toContain(kind);
    expect(leaksIn('x', `…${[...canaries.keys()].join()}…`)).toHaveLength(canaries.size);
  });

  test('every encoding of a secret is found, at any offset', () => {
    const [secret = ''] = canaries.keys();
    for (const prefix of ['', 'a', 'ab', 'abc'])
      for (const encoding of ['base64', 'base64url', 'hex'] as const) {
        const encoded = Buffer.from(`${prefix}${secret}:x`).toString(encoding);
        expect(leaksIn('x', encoded), `${encoding} after "${prefix}"`).toHaveLength(1);
      }
    expect(leaksIn('x', Buffer.from(secret).toString('hex').replace(/../g, '%$&'))).toHaveLength(1);
  });

  test('the flows called every operation of the contract', async () => {
    const missing = () =>
      contract
        .map(({ method, path }) => `"method":"${method}","route":"${path}"`)
        .filter((called) => !scene.broker.logs().includes(called));
    // The log line of the last call may arrive after its response.
    await expect.poll(missing).toEqual([]);
  });

  test('no secret is in the logs', () => {
    expect(scene.broker.logs()).toContain('"route":"/callback/{organization_id}/{name}"');
    expect(leaksIn('the log', scene.broker.logs())).toEqual([]);
  });

  test('no secret is in a response, header or page that is not meant to carry it', () => {
    expect(outputs.length).toBeGreaterThan(100);
    expect(outputs.flatMap(({ place, contents }) => leaksIn(place, contents))).toEqual([]);
  });

  test('no secret is in the metrics', async () => {
    const { status, text } = await scene.api.get('/metrics');
    expect(status).toBe(200);
    expect(leaksIn('the metrics', text)).toEqual([]);
  });

  test('no secret is in any table of the database, audit events and queue included', async () => {
    const tables = await scene.rows(`select quote_ident(schemaname) || '.' || quote_ident(tablename) as name
      from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`);
    const names = tables.map(({ name }) => String(name));
    for (const table of ['public.grants', 'public.audit_events', 'public.api_keys']) expect(names).toContain(table);
    const found: string[] = [];
    for (const name of names) {
      const rows = await scene.rows(`select row_to_json(t)::text as row from ${name} t`);
      const contents = rows.map(({ row }) => String(row)).join('\n');
      // row_to_json prints bytea as hex, so the decoded bytes are searched as well.
      const bytes = [...contents.matchAll(/\\\\x([0-9a-f]+)/g)].map(([, hex = '']) =>
        Buffer.from(hex, 'hex').toString('latin1'),
      );
      found.push(...leaksIn(name, contents), ...leaksIn(`${name}, as bytes`, bytes.join('\n')));
    }
    expect(found).toEqual([]);
  });

  test('no secret is in a file of the data directory', () => {
    const files = readdirSync(scene.dataDir, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    const found = files.flatMap(({ parentPath, name }) =>
      leaksIn(name, readFileSync(join(parentPath, name)).toString('latin1')),
    );
    expect(found).toEqual([]);
  });

  test('no secret is on the command line of the process', () => {
    expect(leaksIn('the command line', readFileSync(`/proc/${scene.broker.pid}/cmdline`, 'utf8'))).toEqual([]);
  });
});
