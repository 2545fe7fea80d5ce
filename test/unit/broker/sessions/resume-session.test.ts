import { beforeEach, describe, expect, test } from 'vitest';
import { BrokerError } from '../../../../src/domain/errors.ts';
import { Secret } from '../../../../src/domain/secret.ts';
import { adminKey, aKey, aRole, keyBearer, person, setUp, signInTrace, trace } from './session-fixture.ts';

let console: ReturnType<typeof setUp>;
beforeEach(() => {
  console = setUp();
});

const open = async (key = keyBearer) => (await console.openSession({ kind: 'api_key', key }, signInTrace)).id;
const openPerson = async () => (await console.openSession({ kind: 'person', person }, signInTrace)).id;
const resume = (id: Secret) => console.resumeSession(id, trace);
const ended = () => console.sessions.audit.filter(({ action }) => action === 'session.ended');

test('a session resumes with the caller and its CSRF secret, and counts as a use of the key', async () => {
  const { id, session } = await console.openSession({ kind: 'api_key', key: keyBearer }, signInTrace);
  const resumed = await resume(id);
  expect(resumed?.caller).toMatchObject({ id: 'api_key:k', permissions: ['admin:read'] });
  expect(resumed?.session.csrfSecret.reveal()).toBe(session.csrfSecret.reveal());
  expect(console.used).toEqual(['k', 'k']);
});

test('an unknown id, and the stored hash of a known one, resume nothing', async () => {
  await open();
  const [hash = ''] = console.sessions.rows.keys();
  for (const wrong of ['', 'x'.repeat(43), hash, Buffer.from(hash, 'hex').toString('base64url')]) {
    expect(await resume(new Secret(wrong))).toBeUndefined();
  }
});

test('a session has the rights of its key as they are now', async () => {
  const id = await open();
  console.apiKeys.rows.set('k', aKey({ permissions: ['connections:read'], organizations: ['other'] }));
  expect((await resume(id))?.caller).toMatchObject({ permissions: ['connections:read'], organizations: ['other'] });
});

describe('a session ends for good when its identity loses its rights', () => {
  test('because the key is revoked', async () => {
    const id = await open();
    console.apiKeys.rows.set('k', aKey({ revokedAt: new Date() }));
    expect(await resume(id)).toBeUndefined();
    console.apiKeys.rows.set('k', aKey());
    expect(await resume(id)).toBeUndefined();
    expect(ended()).toMatchObject([{ actor: 'broker', details: { caller_id: 'api_key:k', reason: 'right_ended' } }]);
  });

  test('because the key has expired', async () => {
    console.apiKeys.rows.set('k', aKey({ expiresAt: new Date('2030-01-01T00:10:00Z') }));
    const id = await open();
    console.pass(9);
    expect(await resume(id)).toBeDefined();
    console.pass(1);
    expect(await resume(id)).toBeUndefined();
    expect(ended()).toHaveLength(1);
  });

  test('because the key is gone', async () => {
    const id = await open();
    console.apiKeys.rows.delete('k');
    expect(await resume(id)).toBeUndefined();
    expect(ended()).toHaveLength(1);
  });

  test.each([new Secret(`${adminKey.reveal()}x`), null])(
    'because ADMIN_API_KEY is another one or none',
    async (other) => {
      const id = await open(adminKey);
      expect((await resume(id))?.caller.id).toBe('bootstrap');
      expect(await console.process(other).resumeSession(id, trace)).toBeUndefined();
      expect(await resume(id)).toBeUndefined();
    },
  );

  test('because its role is no longer configured', async () => {
    const id = await openPerson();
    expect((await resume(id))?.caller).toMatchObject({ id: 'person:https://id.test#ada', name: 'Ada' });
    const narrower = console.process(adminKey, [aRole('support-*', { organizations: ['eu'] })]);
    expect((await narrower.resumeSession(id, trace))?.caller.organizations).toEqual(['eu']);
    // The value that once matched another role matches this one too, but the person has never been given it.
    expect(await console.process(adminKey, [aRole('*')]).resumeSession(id, trace)).toBeUndefined();
    expect(await resume(id)).toBeUndefined();
  });
});

test('a proof of one session does not serve another', async () => {
  const [first, second] = [await open(adminKey), await open(adminKey)];
  const [one, two] = [...console.sessions.rows.entries()];
  if (one === undefined || two === undefined) throw new Error('two sessions are stored');
  console.sessions.rows.set(two[0], { ...two[1], identity: one[1].identity });
  expect(await resume(first)).toBeDefined();
  expect(await resume(second)).toBeUndefined();
});

test('a session is over after an hour without a request, and after twelve hours with one every minute', async () => {
  const idle = await open();
  console.pass(60);
  expect(await resume(idle)).toBeUndefined();
  const busy = await open();
  for (let minute = 1; minute < 12 * 60; minute += 1) {
    console.pass(1);
    expect(await resume(busy)).toBeDefined();
  }
  console.pass(1);
  expect(await resume(busy)).toBeUndefined();
});

test('the time of a request is written at most every five minutes', async () => {
  const id = await open();
  for (let minute = 1; minute <= 14; minute += 1) {
    console.pass(1);
    await resume(id);
  }
  const at = (minute: number) => new Date(Date.UTC(2030, 0, 1, 0, minute));
  expect(console.touches).toEqual([at(5), at(10)]);
});

test('requests that a page sends by itself do not keep a session from becoming idle', async () => {
  const id = await open();
  for (let minute = 1; minute < 60; minute += 1) {
    console.pass(1);
    expect(await console.resumeSession(id, trace, { isActivity: false })).toBeDefined();
  }
  expect(console.touches).toEqual([]);
  console.pass(1);
  expect(await console.resumeSession(id, trace, { isActivity: false })).toBeUndefined();
});

test('a session outlives a database that is away, and a write of its time that fails', async () => {
  const id = await open();
  const away = BrokerError.with('service_unavailable', 'The database is away.', { retry_after: 5 });
  const { find } = console.apiKeys;
  const rows = new Map(console.apiKeys.rows);
  console.apiKeys.rows.get = () => {
    throw away;
  };
  await expect(resume(id)).rejects.toBe(away);
  console.apiKeys.rows.get = (key) => rows.get(key);
  console.pass(6);
  console.sessions.touch = async () => {
    throw away;
  };
  expect(await find('k')).toBeDefined();
  expect(await resume(id)).toBeDefined();
  expect(console.errors).toEqual([away]);
  expect(ended()).toEqual([]);
});
