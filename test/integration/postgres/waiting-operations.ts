import { v7 } from 'uuid';
import type { Connection } from '../../../src/domain/connections/connection.ts';
import type { TransactionStores } from '../../../src/domain/ports/stores.ts';
import { anAuthorization } from '../../support/builders/authorization.ts';
import { minutesFromNow } from '../../support/builders/grant.ts';

/** Runs every operation on an authorization that waits for its confirmation. */
export async function waitAndEnd(writer: TransactionStores['authorizations'], connection: Connection): Promise<void> {
  const binding = { authorizationId: v7(), challenge: 'c'.repeat(43) };
  const bound = anAuthorization(connection, { binding, status: 'testing' });
  await writer.insert(bound);
  await writer.findBound(binding.authorizationId);
  await writer.wait(bound.stateHash, { sealed: new Uint8Array(16), codeHash: 'h', until: minutesFromNow(10) });
  await writer.lock(bound.stateHash);
  await writer.lockWaiting(connection.id, undefined);
  await writer.lockAllWaiting(connection.id);
  await writer.forgetTokens(bound.stateHash);
  const nothing = { reason: null, message: null, error: null, errorDescription: null, account: null, details: null };
  await writer.endWait(bound.stateHash, { status: 'failed', ...nothing });
}
