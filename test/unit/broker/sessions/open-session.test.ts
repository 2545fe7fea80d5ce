import { beforeEach, expect, test } from 'vitest';
import { Secret } from '../../../../src/domain/secret.ts';
import { adminKey, aKey, aRole, keyBearer, person, setUp, signInTrace, workloadBearer } from './session-fixture.ts';

let console: ReturnType<typeof setUp>;
beforeEach(() => {
  console = setUp();
});

const unauthorized = expect.objectContaining({ code: 'unauthorized' });
const withKey = (key: Secret) => console.openSession({ kind: 'api_key', key }, signInTrace);
const withPerson = (changes: Partial<typeof person> = {}) =>
  console.openSession({ kind: 'person', person: { ...person, ...changes } }, signInTrace);

test('an API key, the bootstrap key and a person each open a session with their own rights', async () => {
  expect((await withKey(keyBearer)).caller).toMatchObject({ id: 'api_key:k', organizations: ['acme'] });
  expect((await withKey(adminKey)).caller).toMatchObject({ id: 'bootstrap', organizations: '*' });
  const { caller, session } = await withPerson();
  expect(caller).toMatchObject({ id: 'person:https://id.test#ada', name: 'Ada', permissions: ['admin:read'] });
  expect(session).toMatchObject({ callerId: caller.id, address: '192.0.2.1', agent: 'Browser/1' });
  expect(console.sessions.audit).toMatchObject([
    { action: 'session.opened', actor: 'api_key:k', organizationId: 'acme', outcome: 'success', requestId: 'r-1' },
    { action: 'session.opened', actor: 'bootstrap', organizationId: null },
    {
      ...{ action: 'session.opened', actor: caller.id, address: '192.0.2.1' },
      details: { kind: 'person', name: 'Ada', role: 'support-*' },
    },
  ]);
});

test('a wrong, revoked or expired key opens no session', async () => {
  await expect(withKey(new Secret(`tb_k_${'s'.repeat(43)}`))).rejects.toEqual(unauthorized);
  for (const ended of [{ revokedAt: new Date(0) }, { expiresAt: new Date('2030-01-01T00:00:00Z') }]) {
    console.apiKeys.rows.set('k', aKey(ended));
    await expect(withKey(keyBearer)).rejects.toEqual(unauthorized);
  }
  expect([console.sessions.rows.size, console.sessions.audit]).toEqual([0, []]);
});

test('a valid token of a workload opens no session', async () => {
  await expect(withKey(workloadBearer)).rejects.toEqual(unauthorized);
  expect([console.sessions.rows.size, console.sessions.audit]).toEqual([0, []]);
});

test('a key that is not in memory is not looked up while the server forbids it', async () => {
  const signIn = { kind: 'api_key', key: keyBearer, mayLookUp: async () => false } as const;
  await expect(console.openSession(signIn, signInTrace)).rejects.toEqual(unauthorized);
});

test('a person without a configured role gets no session, and the trail names the person', async () => {
  for (const roles of [[], ['sales']]) {
    await expect(withPerson({ roles })).rejects.toMatchObject({ code: 'forbidden' });
  }
  expect(console.sessions.rows.size).toBe(0);
  const refused = { action: 'session.refused', actor: 'person:https://id.test#ada', outcome: 'failure' };
  expect(console.sessions.audit).toMatchObject([refused, refused]);
});

test('a subject that would not fit the audit trail is refused, and a name is cleaned', async () => {
  await expect(withPerson({ subject: 'x'.repeat(256) })).rejects.toMatchObject({ code: 'forbidden' });
  await expect(withPerson({ subject: 'a\nb' })).rejects.toMatchObject({ code: 'forbidden' });
  expect((await withPerson({ name: `A\u202eda\u0000${'x'.repeat(999)}` })).caller.name).toMatch(/^Adax{197}$/);
  expect((await withPerson({ name: '\u0000' })).caller.name).toBe('ada');
});

test('the agent is cut to what the column holds', async () => {
  const trace = { ...signInTrace, agent: 'a'.repeat(5000) };
  const { session } = await console.openSession({ kind: 'api_key', key: keyBearer }, trace);
  expect(session.agent).toHaveLength(300);
});

test('every session has an id and a CSRF secret of its own, and no row holds an id, a key or rights', async () => {
  const opened = [await withKey(keyBearer), await withKey(keyBearer), await withKey(adminKey), await withPerson()];
  expect(new Set(opened.map(({ id }) => id.reveal())).size).toBe(4);
  expect(new Set(opened.map(({ session }) => session.csrfSecret.reveal())).size).toBe(4);
  const stored = JSON.stringify([...console.sessions.rows], (name, value) =>
    name === 'csrfSecret'
      ? opened.find(({ session }) => session.csrfSecret === value)?.session.csrfSecret.reveal()
      : value,
  );
  const events = JSON.stringify(console.sessions.audit);
  for (const { id } of opened) {
    expect(id.reveal()).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(`${stored}${events}`).not.toContain(id.reveal());
  }
  for (const key of [keyBearer, adminKey]) expect(`${stored}${events}`).not.toContain(key.reveal());
  expect(stored).not.toMatch(/admin:read|acme/);
  expect(JSON.stringify(opened)).not.toContain(opened[0]?.id.reveal());
});

test('the first configured role decides, and the session names it', async () => {
  const roles = [aRole('support-eu', { organizations: ['eu'] }), aRole('*', { organizations: '*' })];
  const { openSession } = console.process(adminKey, roles);
  const { caller, session } = await openSession(
    { kind: 'person', person: { ...person, roles: ['x', 'support-eu'] } },
    signInTrace,
  );
  expect(caller.organizations).toEqual(['eu']);
  expect(session.identity).toMatchObject({ role: 'support-eu' });
});
