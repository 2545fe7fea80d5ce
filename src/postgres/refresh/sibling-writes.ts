import type { Kysely, Updateable } from 'kysely';
import type { AuditEvent } from '../../domain/audit.ts';
import type { Grant, Sibling } from '../../domain/grants/grant.ts';
import { noSiblingFailure } from '../../domain/grants/siblings.ts';
import type { LeasedGrant, RecordedFailure } from '../../domain/ports/engine.ts';
import type { StoredTokens } from '../../domain/ports/grants.ts';
import type { GrantBase } from '../../domain/ports/spool.ts';
import { appendAuditEvent } from '../audit-log.ts';
import { siblingColumns, toSiblings } from '../grants/sibling-columns.ts';
import type { GrantChanged } from '../notify/channels.ts';
import type { GrantsTable, Tables } from '../tables.ts';
import { releasedLease } from './lease.ts';

interface SiblingChange {
  base: Pick<GrantBase, 'id' | 'version'>;
  name: string;
  owner: string;
  /** Computes the new state. `isHolder`: the owner still has the lease. */
  change: (held: Sibling | undefined, isHolder: boolean) => Sibling | undefined;
  columns?: Updateable<GrantsTable>;
  event?: AuditEvent;
}

/**
 * Changes the state of one second token set and releases the lease, if the row still has the version. The row is locked
 * while its state is read, so that changes of another one are kept.
 */
function changeSibling(
  db: Kysely<Tables>,
  { base, name, owner, change, columns = {}, event }: SiblingChange,
): Promise<GrantChanged | undefined> {
  return db.transaction().execute(async (transaction) => {
    const row = await transaction
      .selectFrom('grants')
      .select(['siblings', 'lease_owner'])
      .where('id', '=', base.id)
      .where('version', '=', base.version)
      .forUpdate()
      .executeTakeFirst();
    if (row === undefined) return undefined;
    const siblings = row.siblings === null ? {} : toSiblings(row.siblings);
    const changed = change(siblings[name], row.lease_owner === owner);
    const written = await transaction
      .updateTable('grants')
      .set({
        ...releasedLease(owner),
        ...(changed !== undefined && siblingColumns({ ...siblings, [name]: changed })),
        ...columns,
      })
      .where('id', '=', base.id)
      .returning(['id as grant_id', 'connection_id', 'organization_id', 'subject'])
      .executeTakeFirst();
    if (written !== undefined && event !== undefined) await appendAuditEvent(transaction, event);
    return written;
  });
}

/**
 * Stores a refreshed second token set: version + 1. The status and the failures of the main one stay. Undefined, with
 * nothing written but the released lease, if the version changed.
 */
export async function saveSibling(
  db: Kysely<Tables>,
  base: GrantBase,
  owner: string,
  { sealed, metadata }: StoredTokens,
  event: AuditEvent,
  name: string,
): Promise<GrantChanged | undefined> {
  const saved = await changeSibling(db, {
    base,
    name,
    owner,
    event,
    change: () => ({ ...noSiblingFailure, metadata, lastRefreshAt: event.time }),
    columns: { sealed_tokens: sealed, version: base.version + 1, updated_at: event.time },
  });
  if (saved === undefined) await releaseLease(db, base.id, owner);
  return saved;
}

/** Records a failure of a second token set, as RefreshStore.fail does for the main one. */
export async function failSibling(
  db: Kysely<Tables>,
  { grant }: LeasedGrant,
  owner: string,
  failure: RecordedFailure,
  event: AuditEvent,
  name: string,
): Promise<GrantChanged | undefined> {
  const failed = await changeSibling(db, {
    base: grant,
    name,
    owner,
    event,
    change: (held, isHolder) => held && failedSibling(held, failure, isHolder, event.time),
    columns: { updated_at: event.time },
  });
  if (failed === undefined) await releaseLease(db, grant.id, owner);
  return failed;
}

function failedSibling(
  held: Sibling,
  { failed, message, error = null, retryAt, keepIntent, run = 'grows', continues }: RecordedFailure,
  isHolder: boolean,
  at: Date,
): Sibling {
  const before: Pick<Grant, 'failingSince' | 'consecutiveFailures'> = continues ?? held;
  return {
    ...held,
    ...(failed !== null && { status: 'failed', statusReason: failed, statusMessage: message }),
    ...(error !== null && { lastError: error }),
    ...(!keepIntent && isHolder && { refreshStartedAt: null }),
    ...(run !== 'stays' && {
      consecutiveFailures: before.consecutiveFailures + 1,
      failingSince: run === 'restarts' ? at : (before.failingSince ?? at),
    }),
    retryAt,
  };
}

/** Releases the lease without a result and restores the intent from before it was taken. */
export async function releaseSibling(
  db: Kysely<Tables>,
  { grant }: Pick<LeasedGrant, 'grant'>,
  owner: string,
  name: string,
): Promise<GrantChanged | undefined> {
  const { refreshStartedAt } = grant;
  const released = await changeSibling(db, {
    base: grant,
    name,
    owner,
    change: (held, isHolder) => (held !== undefined && isHolder ? { ...held, refreshStartedAt } : held),
  });
  return released ?? releaseLease(db, grant.id, owner);
}

/** Releases the lease of a row with another version. The intent is that of its newer token sets. */
async function releaseLease(db: Kysely<Tables>, id: string, owner: string): Promise<GrantChanged | undefined> {
  return db
    .updateTable('grants')
    .set({ lease_owner: null, lease_until: null })
    .where('id', '=', id)
    .where('lease_owner', '=', owner)
    .returning(['id as grant_id', 'connection_id', 'organization_id', 'subject'])
    .executeTakeFirst();
}
