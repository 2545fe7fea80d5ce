import { beforeEach, expect, test } from 'vitest';
import { createRemoveEndedSessions } from '../../../../src/broker/maintenance/remove-ended-sessions.ts';
import { adminKey, keyBearer, person, setUp, signInTrace, trace } from './session-fixture.ts';

let console: ReturnType<typeof setUp>;
beforeEach(() => {
  console = setUp();
});

const open = (key = keyBearer) => console.openSession({ kind: 'api_key', key }, signInTrace);
const ended = () => console.sessions.audit.filter(({ action }) => action === 'session.ended');

test('a session that was signed out cannot be resumed, and the other sessions of its caller can', async () => {
  const [first, second] = [await open(), await open()];
  await console.endSession(first.id, first, trace);
  await console.endSession(first.id, first, trace);
  expect(await console.resumeSession(first.id, trace)).toBeUndefined();
  expect(await console.resumeSession(second.id, trace)).toBeDefined();
  expect(ended()).toMatchObject([
    { actor: 'api_key:k', organizationId: 'acme', requestId: 'r-1', details: { reason: 'signed_out' } },
  ]);
});

test('signing out everywhere ends every session of this caller and none of another', async () => {
  const own = [await open(), await open()];
  const other = [await open(adminKey), await console.openSession({ kind: 'person', person }, signInTrace)];
  expect(await console.endAllSessions(own[0]?.caller ?? expect.fail(), trace)).toBe(2);
  for (const { id } of own) expect(await console.resumeSession(id, trace)).toBeUndefined();
  for (const { id } of other) expect(await console.resumeSession(id, trace)).toBeDefined();
  expect(ended()).toMatchObject([{ actor: 'api_key:k', details: { reason: 'signed_out_everywhere', sessions: 2 } }]);
});

test('a caller sees its own sessions that are not over, and which of them asks', async () => {
  await open();
  console.pass(60);
  const [first, second] = [await open(), await open()];
  await open(adminKey);
  const listed = await console.listSessions(second.caller, second.id);
  expect(listed.map(({ isCurrent }) => isCurrent).toSorted()).toEqual([false, true]);
  expect(listed[0]).toEqual({
    ...{ createdAt: console.time.now, lastSeenAt: console.time.now, address: '192.0.2.1', agent: 'Browser/1' },
    isCurrent: expect.any(Boolean),
  });
  expect((await console.listSessions(first.caller, adminKey)).some(({ isCurrent }) => isCurrent)).toBe(false);
});

test('maintenance removes the rows of sessions that are over, and no others', async () => {
  const remove = createRemoveEndedSessions({ sessions: console.sessions, clock: () => console.time.now });
  await open();
  console.pass(61);
  const { id } = await open();
  console.pass(59);
  expect(await remove()).toBe(1);
  expect(await remove()).toBe(0);
  expect(await console.resumeSession(id, trace)).toBeDefined();
});
