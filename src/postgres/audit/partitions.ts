import { type Kysely, sql } from 'kysely';
import { isBrokerError } from '../../domain/errors.ts';
import type { AuditPartitions } from '../../domain/ports/maintenance/audit.ts';
import type { Tables } from '../tables.ts';

/** Months that have a partition ahead of time. A year: an installation that no worker maintains runs that long. */
const monthsAhead = 12;
/**
 * Milliseconds that a change of partitions waits for its lock. Writers queue behind it that long, so it gives up soon
 * and tries again. Writers hold the lock for milliseconds.
 */
const lockTimeoutMs = 200;
const attempts = 20;
const pauseMs = 500;

export interface AuditPartitionsDeps {
  db: Kysely<Tables>;
  sleep: (ms: number) => Promise<void>;
}

export function createAuditPartitions({ db, sleep }: AuditPartitionsDeps): AuditPartitions {
  async function change(call: ReturnType<typeof sql<{ names: string[] }>>): Promise<string[]> {
    const { rows } = await db.transaction().execute(async (transaction) => {
      await sql`select set_config('lock_timeout', ${`${lockTimeoutMs}ms`}, true)`.execute(transaction);
      return call.execute(transaction);
    });
    return rows[0]?.names ?? [];
  }

  async function changeSoon(call: ReturnType<typeof sql<{ names: string[] }>>): Promise<string[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await change(call);
      } catch (error) {
        if (attempt === attempts || !isBrokerError(error, 'service_unavailable')) throw error;
        await sleep(pauseMs);
      }
    }
  }

  async function readState(before: Date): Promise<{ isDue: boolean; mayDrop: boolean; strays: boolean }> {
    const { rows } = await sql<{ isDue: boolean; mayDrop: boolean; strays: boolean }>`
      with stray as (select latest_stray_audit_event() as latest)
      select stray.latest is not null as strays,
        coalesce(stray.latest < ${before}::timestamptz, false)
          or exists (select from audit_partitions() where upper <= ${before}::timestamptz) as "isDue",
        has_function_privilege('drop_audit_partitions(timestamptz)', 'execute') as "mayDrop"
      from stray`.execute(db);
    const [state] = rows;
    if (state === undefined) throw new Error('the audit trail returned no state');
    return state;
  }

  return {
    async maintain(before) {
      const created = await changeSoon(sql`select create_audit_partitions(${monthsAhead}) as names`);
      const { isDue, mayDrop, strays } = await readState(before);
      const dropped =
        isDue && mayDrop ? await changeSoon(sql`select drop_audit_partitions(${before}::timestamptz) as names`) : [];
      return { created, dropped, hasStrayEvents: strays, mayDrop: mayDrop || !isDue };
    },
  };
}
