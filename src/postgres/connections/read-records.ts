import type { Kysely } from 'kysely';
import { type FailedAuthorization, failedAuthorization } from '../../domain/failed-authorization.ts';
import type { Grant } from '../../domain/grants/grant.ts';
import type { ConnectionRecord } from '../../domain/ports/connections.ts';
import { grantColumns, toGrant } from '../grants/grant-rows.ts';
import { toOutcomeDetails } from '../outcome-details.ts';
import type { Tables } from '../tables.ts';
import type { RecordRow } from './connection-records.ts';
import { toConnection } from './connection-rows.ts';

/** Reads the grants that serve connections. The rows decide which grants their reader may see. */
export async function readRecords(db: Kysely<Tables>, rows: readonly RecordRow[]): Promise<ConnectionRecord[]> {
  const ids = rows.flatMap((row) => row.served_grant_id ?? []);
  const grants = new Map<string, Grant>();
  if (ids.length > 0) {
    const served = await db.selectFrom('grants').select(grantColumns).where('id', 'in', ids).execute();
    for (const row of served) grants.set(row.id, toGrant(row));
  }
  return rows.map((row) => ({
    connection: toConnection(row),
    status: row.seen_status,
    statusReason: row.seen_reason,
    statusMessage: row.seen_message,
    failure: toFailure(row),
    served: grants.get(row.served_grant_id ?? '') ?? null,
    shadowed: row.shadowed,
  }));
}

function toFailure(row: RecordRow): FailedAuthorization | null {
  if (row.failed_created_at === null) return null;
  return failedAuthorization({
    details: toOutcomeDetails(row.failed_details),
    error: row.failed_error,
    errorDescription: row.failed_error_description,
    createdAt: row.failed_created_at,
  });
}
