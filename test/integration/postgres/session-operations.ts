import { randomBytes } from 'node:crypto';
import { v7 } from 'uuid';
import type { Connection } from '../../../src/domain/connections/connection.ts';
import { Secret } from '../../../src/domain/secret.ts';
import type { Postgres } from '../../../src/postgres/postgres.ts';
import { anEvent } from '../../support/builders/refreshed.ts';
import { record } from './record-operations.ts';

/** Runs every operation of the sessions of the console, and leaves one session. */
export async function useSessions(postgres: Postgres, connection: Connection, called: Map<string, boolean>) {
  const sessions = record('consoleSessions', postgres.consoleSessions, called);
  const event = anEvent(connection, v7());
  const callerId = `api_key:${v7()}`;
  const create = async (at: Date) => {
    const idHash = randomBytes(32);
    const dates = { createdAt: at, lastSeenAt: at };
    const identity = { kind: 'api_key', id: 'k' } as const;
    const rest = { csrfSecret: new Secret('csrf'), address: null, agent: null };
    await sessions.create({ idHash, identity, callerId, ...dates, ...rest }, event, 1);
    return idHash;
  };
  const idHash = await create(new Date());
  await sessions.touch(idHash, new Date());
  if ((await sessions.find(idHash)) === undefined) throw new Error('the session was not found');
  await sessions.listOf(callerId, 1);
  await sessions.end(idHash, () => event);
  await create(new Date());
  await sessions.endAllOf(callerId, () => event);
  await sessions.refuse(event);
  await create(new Date(0));
  if ((await sessions.removeIdle(new Date(1), 1)) !== 1) throw new Error('no idle session was removed');
  await create(new Date());
}
