import { v7 } from 'uuid';
import type { Connection } from '../../../src/domain/connections/connection.ts';
import { noOrigins } from '../../../src/domain/connections/url-origins.ts';
import type { Postgres } from '../../../src/postgres/postgres.ts';
import { minutesFromNow } from '../../support/builders/grant.ts';
import { anEvent } from '../../support/builders/refreshed.ts';
import { storeGrant } from '../../support/builders/stored.ts';
import { record } from './record-operations.ts';

/** Runs every operation of the outbox of revocations. */
export async function revokeAtProvider(postgres: Postgres, connection: Connection, called: Map<string, boolean>) {
  const grantId = await storeGrant(postgres, 'acme', connection, { subject: 'revoked at the provider' });
  const lane = { organizationId: 'acme', connectionId: connection.id };
  const claim = { now: minutesFromNow(0), until: minutesFromNow(0) };
  const added = await postgres.database.write('acme', async ({ revocations }) => {
    const times = { now: claim.now, dueAt: claim.now };
    const writer = record('revocation writer', revocations, called);
    const sealedTokens = new Uint8Array(16);
    await writer.addTokens(
      connection,
      { id: v7(), organizationId: 'acme', subject: null, origins: noOrigins, sealedTokens },
      { ...times, dueAt: minutesFromNow(60) },
    );
    return writer.add(connection, [grantId], times);
  });
  const revocations = record('revocations', postgres.revocations, called);
  await revocations.lanes(minutesFromNow(1), 10);
  const claimed = await revocations.claimFirst(added[0]?.id ?? '', claim);
  if (claimed === undefined) throw new Error('nothing to claim');
  await revocations.isConnectedAgain(claimed);
  await revocations.postpone(claimed.id, { at: claim.now, error: 'down' });
  await revocations.claimDue(lane, { ...claim, now: minutesFromNow(1) });
  await revocations.remove(claimed.id, anEvent(connection, grantId));
}
