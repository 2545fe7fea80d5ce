import { expect, test } from 'vitest';
import { accessCheck } from '../../../src/doctor/checks/access.ts';
import { databaseCheck } from '../../../src/doctor/checks/database.ts';
import { type Encryption, keysCheck } from '../../../src/doctor/checks/keys.ts';
import { keysBackupCheck } from '../../../src/doctor/checks/keys-backup.ts';
import { migrationCheck } from '../../../src/doctor/checks/migration.ts';
import { queueCheck } from '../../../src/doctor/checks/queue.ts';
import { spoolCheck } from '../../../src/doctor/checks/spool.ts';
import { workersCheck } from '../../../src/doctor/checks/workers.ts';
import { checks } from '../../../src/doctor/checks.ts';
import { queueFailures } from '../../../src/domain/queue-failure.ts';
import { createGround, type GroundChanges } from '../../support/cli/doctor-ground.ts';

const away = { health: { database: 'unavailable', workers: null }, readiness: { database: false } } as const;

test('without the database one check fails with the reason of the service, and what depends on it is skipped', async () => {
  const ground = createGround({ ...away, readiness: { database: false, migrated: false, reason: 'DATABASE_URL: …' } });
  expect(await databaseCheck.run(ground)).toMatchObject({ state: 'failed', found: 'DATABASE_URL: …' });
  for (const check of [migrationCheck, keysCheck, workersCheck]) {
    expect(await check.run(ground), check.name).toMatchObject({ state: 'skipped' });
  }
});

test('keys that are not proven are named once the tables are there', async () => {
  const readiness = { key_proven: false, reason: 'The encryption key "v1" cannot be reached.' };
  const ground = createGround({ readiness });
  expect(await migrationCheck.run(ground)).toMatchObject({ state: 'ok' });
  expect(await keysCheck.run(ground)).toMatchObject({ state: 'failed', found: readiness.reason });
});

const encryption = (changes: Partial<Encryption> = {}): Encryption => ({
  encryption_key_id: 'k2',
  encryption_keys: [
    { id: 'k2', is_held: true, data_keys: 1, backup_confirmed_at: null },
    { id: 'k1', is_held: true, data_keys: 1, backup_confirmed_at: null },
    { id: 'k0', is_held: true, data_keys: 0, backup_confirmed_at: null },
  ],
  processes: [
    { id: 'a', host: 'one', is_live: true, encryption_key_ids: ['k2', 'k1'], unsaved_data_key_ids: [] },
    { id: 'b', host: 'two', is_live: false, encryption_key_ids: ['k2'], unsaved_data_key_ids: [] },
  ],
  rotation: null,
  ...changes,
});
const withEncryption = (changes?: Partial<Encryption>) =>
  createGround({ routes: { '/admin/encryption': encryption(changes) } });

test('a live process that lacks a key in use is named; an ended one and an unused key are not', async () => {
  expect(await keysCheck.run(withEncryption())).toMatchObject({ state: 'ok' });
  const [process] = encryption().processes;
  const lacking = process === undefined ? [] : [{ ...process, encryption_key_ids: ['k2'] }];
  const found = 'A process on one lacks the key k1.';
  expect(await keysCheck.run(withEncryption({ processes: lacking }))).toMatchObject({ state: 'failed', found });
  expect(await keysCheck.run(withEncryption({ rotation: { unreadable: 2 } }))).toMatchObject({ state: 'warning' });
});

test('copies that were confirmed count for every key in use, and for those only', async () => {
  const withConfirmed = (ids: readonly string[]) =>
    withEncryption({
      encryption_keys: encryption().encryption_keys.map((key) => ({
        ...key,
        backup_confirmed_at: ids.includes(key.id) ? '2030-01-01T00:00:00.000Z' : null,
      })),
    });
  expect(await keysBackupCheck.run(withConfirmed(['k1', 'k2']))).toMatchObject({ state: 'ok' });
  expect(await keysBackupCheck.run(withConfirmed(['k0', 'k2']))).toMatchObject({ state: 'skipped' });
  expect(await keysBackupCheck.run(withEncryption({ encryption_keys: [] }))).toMatchObject({ state: 'skipped' });
});

test('tokens that wait on the disk of another process are named with its host', async () => {
  const [, ended] = encryption().processes;
  const processes = ended === undefined ? [] : [{ ...ended, unsaved_data_key_ids: ['d1'] }];
  expect(await spoolCheck.run(withEncryption({ processes }))).toMatchObject({
    state: 'failed',
    found: expect.stringContaining('two'),
  });
  expect(await spoolCheck.run(createGround({ health: { unsaved_tokens: null } }))).toMatchObject({ state: 'failed' });
});

test('an overdue sweep, a copy and a queue without workers are told apart', async () => {
  const judge = (changes: GroundChanges) => workersCheck.run(createGround(changes));
  expect(await judge({})).toMatchObject({ state: 'ok' });
  const overdue = await judge({ health: { status: 'degraded' } });
  expect(overdue).toMatchObject({ state: 'failed', found: expect.stringContaining('two intervals') });
  // The queue explains the status: the workers are not to blame.
  expect(await judge({ health: { status: 'degraded', queue: 'unavailable' } })).toMatchObject({ state: 'ok' });
  expect(await judge({ health: { refresh_mode: 'off', workers: 0 } })).toMatchObject({ state: 'warning' });
  const failure = { failedAt: '2030-01-31T12:00:00Z', role: 'worker', isAboutKeys: false, message: 'no room' };
  const none = await judge({ health: { workers: 0 }, startFailures: [failure] });
  expect(none).toMatchObject({ state: 'failed', found: expect.stringContaining('no room') });
});

test('every failure of the queue has a cure of its own', async () => {
  const next = queueFailures.map(async (failure) => {
    const finding = await queueCheck.run(createGround({ health: { queue: 'unavailable', queue_failure: failure } }));
    expect(finding).toMatchObject({ state: 'failed', found: expect.stringContaining(failure) });
    return finding.next;
  });
  expect(new Set(await Promise.all(next)).size).toBe(queueFailures.length);
});

test('a missing key is no fault, and says where keys come from', async () => {
  const access = { state: 'absent', found: 'There is no key.', next: 'Log in.' } as const;
  expect(await accessCheck.run(createGround({ access }))).toEqual({
    state: 'skipped',
    found: 'There is no key.',
    next: 'Log in.',
  });
});

test('every check that blames something says what to do, and names are unique', async () => {
  const grounds = [createGround(away), createGround({ service: { state: 'silent', reason: 'gone' } })];
  for (const ground of grounds) {
    for (const { name, run } of checks) {
      const { state, next } = await run(ground);
      if (state === 'failed' || state === 'warning') expect(next, name).toEqual(expect.any(String));
    }
  }
  expect(new Set(checks.map(({ name }) => name)).size).toBe(checks.length);
});
