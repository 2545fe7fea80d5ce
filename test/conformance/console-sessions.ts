import { randomBytes } from 'node:crypto';
import { v7 } from 'uuid';
import { beforeAll, describe, expect, test } from 'vitest';
import type { AuditEvent } from '../../src/domain/audit.ts';
import type { Session, SessionIdentity } from '../../src/domain/callers/session.ts';
import type { ConsoleSessions } from '../../src/domain/ports/callers.ts';
import { Secret } from '../../src/domain/secret.ts';

export interface OpenedSessions {
  sessions: ConsoleSessions;
  /** Actions of the audit events of an actor, oldest first. */
  actionsOf: (actor: string) => Promise<string[]>;
}

const start = new Date('2030-01-01T00:00:00Z');
const later = (minutes: number) => new Date(start.getTime() + minutes * 60_000);

const identities: SessionIdentity[] = [
  { kind: 'api_key', id: v7() },
  { kind: 'bootstrap', proof: 'p'.repeat(43) },
  { kind: 'person', issuer: 'https://id.test', subject: 'ada', name: 'Ada', role: 'support-*' },
];

export function describeConsoleSessions(open: () => Promise<OpenedSessions>): void {
  describe('ConsoleSessions', () => {
    let sessions: ConsoleSessions;
    let actionsOf: OpenedSessions['actionsOf'];
    beforeAll(async () => {
      ({ sessions, actionsOf } = await open());
    });

    const event = (actor: string, action: AuditEvent['action']): AuditEvent => ({
      ...{ time: new Date(), actor, action, organizationId: null, connectionId: null, connectionName: null },
      ...{ grantId: null, outcome: 'success', details: {}, requestId: null, address: null },
    });
    const ended = ({ callerId }: Session) => event(callerId, 'session.ended');

    async function store(changes: Partial<Session> = {}, kept = 100): Promise<Session> {
      const session: Session = {
        idHash: randomBytes(32),
        identity: { kind: 'api_key', id: 'k' },
        callerId: `api_key:${v7()}`,
        csrfSecret: new Secret(v7()),
        createdAt: start,
        lastSeenAt: start,
        address: '192.0.2.1',
        agent: 'Browser/1',
        ...changes,
      };
      await sessions.create(session, event(session.callerId, 'session.opened'), kept);
      return session;
    }

    test.each(identities)('finds a session as it was stored, with %j', async (identity) => {
      const session = await store({ identity, address: null, agent: null });
      const found = await sessions.find(session.idHash);
      expect(found).toEqual(session);
      expect(found?.csrfSecret.reveal()).toBe(session.csrfSecret.reveal());
      expect(await actionsOf(session.callerId)).toEqual(['session.opened']);
    });

    test('keeps the newest sessions of a caller, and all of any other', async () => {
      const callerId = `api_key:${v7()}`;
      const stored = [];
      for (const minutes of [3, 1, 4, 2]) stored.push(await store({ callerId, lastSeenAt: later(minutes) }));
      const other = await store();
      const newest = await store({ callerId, lastSeenAt: later(5) }, 3);
      const kept = [newest, ...stored.filter(({ lastSeenAt }) => lastSeenAt >= later(3))].map(({ idHash }) => idHash);
      const left = (await sessions.listOf(callerId, 100)).map(({ idHash }) => idHash);
      expect(left.map(String).toSorted()).toEqual(kept.map(String).toSorted());
      expect(await sessions.find(other.idHash)).toEqual(other);
    });

    test('finds nothing under another hash', async () => {
      await store();
      expect(await sessions.find(randomBytes(32))).toBeUndefined();
    });

    test('the time of the last request never goes back', async () => {
      const { idHash } = await store();
      await sessions.touch(idHash, later(10));
      await sessions.touch(idHash, later(5));
      await sessions.touch(randomBytes(32), later(20));
      expect((await sessions.find(idHash))?.lastSeenAt).toEqual(later(10));
    });

    test('a session ends once, with one event', async () => {
      const session = await store();
      const other = await store({ callerId: session.callerId });
      const results = await Promise.all([1, 2, 3].map(() => sessions.end(session.idHash, ended)));
      expect(results.filter(Boolean)).toHaveLength(1);
      expect(await sessions.find(session.idHash)).toBeUndefined();
      expect(await sessions.find(other.idHash)).toBeDefined();
      expect(await actionsOf(session.callerId)).toEqual(['session.opened', 'session.opened', 'session.ended']);
    });

    test('a session that has ended is not touched back to life', async () => {
      const session = await store();
      await sessions.end(session.idHash, ended);
      await sessions.touch(session.idHash, later(10));
      expect(await sessions.find(session.idHash)).toBeUndefined();
    });

    test('ends all sessions of one caller, with one event, and none of another', async () => {
      const callerId = `person:https://id.test#${v7()}`;
      const own = [await store({ callerId }), await store({ callerId })];
      const other = await store({ callerId: `${callerId}-other` });
      const eventOf = (count: number) => event(`${callerId} ended ${count}`, 'session.ended');
      expect(await sessions.endAllOf(callerId, eventOf)).toBe(2);
      expect(await sessions.endAllOf(callerId, eventOf)).toBe(0);
      for (const { idHash } of own) expect(await sessions.find(idHash)).toBeUndefined();
      expect(await sessions.find(other.idHash)).toBeDefined();
      expect(await actionsOf(`${callerId} ended 2`)).toEqual(['session.ended']);
      expect(await actionsOf(`${callerId} ended 0`)).toEqual([]);
    });

    test('lists the sessions of one caller, the latest request first', async () => {
      const callerId = `api_key:${v7()}`;
      const [early, late, middle] = [
        await store({ callerId }),
        await store({ callerId, lastSeenAt: later(30) }),
        await store({ callerId, lastSeenAt: later(20) }),
      ];
      await store();
      const hashes = async (limit: number) => (await sessions.listOf(callerId, limit)).map(({ idHash }) => idHash);
      expect(await hashes(10)).toEqual([late, middle, early].map(({ idHash }) => idHash));
      expect(await hashes(2)).toEqual([late, middle].map(({ idHash }) => idHash));
      expect(await sessions.listOf(`${callerId}x`, 10)).toEqual([]);
    });

    test('removes idle sessions, the oldest first and no more than it may', async () => {
      const ago = (hours: number) => new Date(Date.UTC(2001, 0, 1) - hours * 3_600_000);
      const idle = async (hours: number) => store({ createdAt: ago(99), lastSeenAt: ago(hours) });
      const [oldest, older, kept] = [await idle(3), await idle(2), await idle(1)];
      expect(await sessions.removeIdle(ago(1), 1)).toBe(1);
      expect(await sessions.find(oldest.idHash)).toBeUndefined();
      expect(await sessions.removeIdle(ago(1), 10)).toBe(1);
      expect(await sessions.find(older.idHash)).toBeUndefined();
      expect(await sessions.find(kept.idHash)).toBeDefined();
      expect(await sessions.removeIdle(ago(1), 10)).toBe(0);
    });

    test('writes the event of a sign-in that was refused', async () => {
      const actor = `person:https://id.test#${v7()}`;
      await sessions.refuse(event(actor, 'session.refused'));
      expect(await actionsOf(actor)).toEqual(['session.refused']);
    });
  });
}
