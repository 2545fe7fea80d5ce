import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canaries, canary, leaksIn } from './canaries.ts';
import { runEveryFlow, type Shown } from './leak-flows.ts';
import { openScene, type Scene } from './scene.ts';

describe('threats 3 and 30: at log level trace, through every flow and its failures', () => {
  let scene: Scene;
  let shown: Shown[];

  beforeAll(async () => {
    const adminKey = canary('admin');
    const encryptionKey = randomBytes(32).toString('base64');
    canaries.set(encryptionKey, 'encryption key');
    const secrets = { ADMIN_API_KEY: adminKey, ENCRYPTION_KEYS: `k1:${encryptionKey}` };
    const timeouts = { PROVIDER_TIMEOUT_MS: '1000', PROVIDER_CALL_CAP_MS: '1000' };
    scene = await openScene({ LOG_LEVEL: 'trace', ...secrets, ...timeouts });
    shown = await runEveryFlow(scene);
  });
  afterAll(() => scene?.close());

  test('every kind of secret went through', () => {
    const kinds = new Set(canaries.values());
    const all = [
      'access',
      'refresh',
      'clientsecret',
      'code',
      'state',
      'verifier',
      'api key',
      'encryption key',
      'admin',
    ];
    for (const kind of all) expect(kinds).toContain(kind);
    expect(leaksIn('x', `…${[...canaries.keys()].join()}…`)).toHaveLength(canaries.size);
  });

  test('none is in the logs', () => {
    expect(scene.broker.logs()).toContain('"route":"/callback/{organization_id}/{name}"');
    expect(leaksIn('the log', scene.broker.logs())).toEqual([]);
  });

  test('none is in an answer, a header or a page that is not meant to carry it', () => {
    expect(shown.length).toBeGreaterThan(100);
    expect(shown.flatMap(({ place, contents }) => leaksIn(place, contents))).toEqual([]);
  });

  test('none is in the database, in any table, the audit record and the queue among them', async () => {
    const tables = await scene.rows(`select quote_ident(schemaname) || '.' || quote_ident(tablename) as name
      from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`);
    const names = tables.map(({ name }) => String(name));
    for (const table of ['public.grants', 'public.audit_events', 'public.api_keys']) expect(names).toContain(table);
    const found: string[] = [];
    for (const name of names) {
      const rows = await scene.rows(`select row_to_json(t)::text as row from ${name} t`);
      const contents = rows.map(({ row }) => String(row)).join('\n');
      // row_to_json shows bytea as hex: what is in there as plain bytes is looked for, too.
      const bytes = [...contents.matchAll(/\\\\x([0-9a-f]+)/g)].map(([, hex = '']) =>
        Buffer.from(hex, 'hex').toString('latin1'),
      );
      found.push(...leaksIn(name, contents), ...leaksIn(`${name}, as bytes`, bytes.join('\n')));
    }
    expect(found).toEqual([]);
  });

  test('none is in a file of the data directory', () => {
    const files = readdirSync(scene.dataDir, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    const found = files.flatMap(({ parentPath, name }) =>
      leaksIn(name, readFileSync(join(parentPath, name)).toString('latin1')),
    );
    expect(found).toEqual([]);
  });

  test('none is on the command line of the process', () => {
    expect(leaksIn('the command line', readFileSync(`/proc/${scene.broker.pid}/cmdline`, 'utf8'))).toEqual([]);
  });
});
