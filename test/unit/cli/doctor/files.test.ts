import { chmodSync, mkdirSync, mkdtempDisposableSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { recordStartFailure } from '../../../../src/app/process/start-failure.ts';
import { locateDataDirectory } from '../../../../src/cli/doctor/facts/data-directory.ts';
import { readStartFailures } from '../../../../src/cli/doctor/facts/start-failures.ts';
import { dataDirectoryCheck } from '../../../../src/doctor/checks/data-directory.ts';
import { keysCheck } from '../../../../src/doctor/checks/keys.ts';
import { keysBackupCheck } from '../../../../src/doctor/checks/keys-backup.ts';
import { serviceCheck } from '../../../../src/doctor/checks/service.ts';
import { spoolCheck } from '../../../../src/doctor/checks/spool.ts';
import { KeyUnavailable } from '../../../../src/domain/ports/keys.ts';
import { createGround } from '../../../support/cli/doctor-ground.ts';
import { createTemporaryFolder } from '../../../support/processes/temporary-folder.ts';

const silent = { state: 'silent', reason: 'the connection is refused' } as const;
let path: string;
let dataDirectory: { path: string };
beforeEach(() => {
  path = createTemporaryFolder('token-broker-doctor-');
  chmodSync(path, 0o700);
  dataDirectory = { path };
});
afterEach(() => rmSync(path, { recursive: true }));

const judge = () => dataDirectoryCheck.run(createGround({ dataDirectory }));

/** Runs as a user without rights: root may read everything. */
async function asStranger<T>(run: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) {
    chmodSync(path, 0o000);
    return run().finally(() => chmodSync(path, 0o700));
  }
  process.seteuid?.(65_534);
  return run().finally(() => process.seteuid?.(0));
}

test('a data directory that this user cannot read is named, with the command that gives it', async () => {
  expect(await judge()).toMatchObject({ state: 'ok' });
  const finding = await asStranger(judge);
  expect(finding).toMatchObject({ state: 'failed', found: expect.stringContaining(path) });
  expect(finding.next).toContain(`chmod 0700 ${path}`);
  expect(await dataDirectoryCheck.run(createGround({ dataDirectory: { path: `${path}/no` } }))).toMatchObject({
    state: 'failed',
    found: expect.stringContaining('is not there'),
  });
});

test('a key file that others can read fails; a folder that others can enter is a warning', async () => {
  mkdirSync(join(path, 'instances'), { mode: 0o700 });
  chmodSync(join(path, 'instances'), 0o755);
  expect(await judge()).toMatchObject({ state: 'warning', found: expect.stringContaining('instances') });
  writeFileSync(join(path, 'encryption-keys'), 'k1:secret');
  chmodSync(join(path, 'encryption-keys'), 0o644);
  const finding = await judge();
  expect(finding).toMatchObject({ state: 'failed', found: expect.stringContaining('encryption-keys') });
  expect(finding.found).not.toContain('secret');
});

test('a folder named data is a data directory only if a broker has used it, or DATA_DIR names it', () => {
  const find = (environment = {}) => locateDataDirectory({ environment, directory: path, isLocal: true });
  mkdirSync(join(path, 'data'));
  expect(find()).toBeNull();
  expect(find({ DATA_DIR: 'data' })).toEqual({ path: join(path, 'data'), isNamed: true });
  writeFileSync(join(path, 'data', 'admin-key'), '');
  expect(find()).toEqual({ path: join(path, 'data'), isNamed: false });
});

test('the reason of a failed start is found while the service does not answer', async () => {
  recordStartFailure({ dataDir: path, role: 'all' }, new KeyUnavailable('Give the original key "k1".'));
  const startFailures = readStartFailures(path);
  const ground = createGround({ dataDirectory, startFailures, service: silent });
  expect(await keysCheck.run(ground)).toMatchObject({ state: 'failed', found: 'Give the original key "k1".' });
  const found = expect.stringContaining('ended: Give the original key "k1".');
  expect(await serviceCheck.run(ground)).toMatchObject({ state: 'failed', found });
  writeFileSync(join(path, 'start-failures', 'api.json'), '{"failed_at": 1');
  expect(readStartFailures(path)).toEqual(startFailures);
  recordStartFailure({ dataDir: join(path, 'start-failures', 'all.json'), role: 'all' }, new Error('cannot be kept'));
});

test('tokens on this disk are counted while the service does not answer', async () => {
  const judgeSpool = () => spoolCheck.run(createGround({ dataDirectory, service: silent }));
  mkdirSync(join(path, 'instances', 'one'), { recursive: true });
  expect(await judgeSpool()).toMatchObject({ state: 'ok' });
  writeFileSync(join(path, 'instances', 'one', 'grant.1.tokens'), '');
  expect(await judgeSpool()).toMatchObject({ state: 'failed', found: expect.stringContaining('1 token set') });
});

test('a copy of the keys must hold every key in use, elsewhere; keys of a key service need none', async () => {
  using elsewhere = mkdtempDisposableSync(join(tmpdir(), 'token-broker-doctor-'));
  const backup = join(elsewhere.path, 'keys');
  const compare = (keys: string, keysBackup?: string) =>
    keysBackupCheck.run(createGround({ environment: { ENCRYPTION_KEYS: keys }, dataDirectory, keysBackup }));
  writeFileSync(backup, 'k1:AAAA=\n');
  expect(await compare('k1:AAAA', backup)).toMatchObject({ state: 'ok' });
  expect(await compare('k2:BBBB,k1:AAAA', backup)).toMatchObject({
    found: expect.stringContaining('lacks the key k2'),
  });
  expect(await compare('k1:BBBB', backup)).toMatchObject({ found: expect.stringContaining('another key named k1') });
  expect(await compare('k1:AAAA', `${backup}-gone`)).toMatchObject({ state: 'failed' });
  expect(await compare('k1:AAAA')).toMatchObject({ state: 'skipped', next: expect.stringContaining('--keys-backup') });
  expect(await compare('v1:vault-transit:https://vault/transit/keys/a')).toMatchObject({ state: 'ok' });
  const beside = join(path, 'encryption-keys');
  writeFileSync(beside, 'k1:AAAA');
  expect(await compare('k1:AAAA', beside)).toMatchObject({ state: 'warning' });
});
