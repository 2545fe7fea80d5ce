import type pg from 'pg';
import { instantText } from '../columns.ts';

/** Workers and sweeps as the database knows them. */
export interface BackgroundState {
  /** Number of workers with a recent heartbeat. */
  workers: number;
  /** Start of the live worker that runs longest. Null if no worker is alive. */
  workingSince: Date | null;
  /** Time at which the latest sweep ended. Null if none has ended. */
  lastSweepAt: Date | null;
}

/** Heartbeats of workers, on the clock of the database. */
export interface WorkerStore {
  /** Records that a worker is alive. `isFirst` marks its start, also if an earlier process had the same id. */
  beat(id: string, isFirst: boolean): Promise<void>;
  remove(id: string): Promise<void>;
  state(): Promise<BackgroundState>;
}

/**
 * Silence in milliseconds after which a worker counts as dead: four missed heartbeats. A shorter value reports workers
 * that one slow statement delays.
 */
const silentForMs = 20_000;
/** Silence in milliseconds after which a row is deleted. Bounds the table to the workers of that time. */
const keptForMs = 10 * 60_000;
/** SQLSTATE of a missing table: the database is up and waits to be migrated. */
const undefinedTable = '42P01';

export function createWorkerStore({ pool }: { pool: Pick<pg.Pool, 'query'> }): WorkerStore {
  return {
    async beat(id, isFirst) {
      // Skips locked rows: workers that prune at the same time do not wait for each other.
      await pool.query(
        `with stale as (
           select id from workers
           where id <> $1 and seen_at < clock_timestamp() - $2 * interval '1 millisecond' for update skip locked
         ), pruned as (delete from workers using stale where workers.id = stale.id)
         insert into workers (id) values ($1)
         on conflict (id) do update set seen_at = excluded.seen_at,
           started_at = case when $3 then excluded.started_at else workers.started_at end`,
        [id, keptForMs, isFirst],
      );
    },

    async remove(id) {
      await pool.query('delete from workers where id = $1', [id]);
    },

    async state() {
      try {
        const { rows } = await pool.query<BackgroundState>(
          `select count(*)::int as workers, ${instantText('min(started_at)')} as "workingSince",
             (select ${instantText('max(finished_at)')} from sweeps) as "lastSweepAt"
           from workers where seen_at > clock_timestamp() - $1 * interval '1 millisecond'`,
          [silentForMs],
        );
        return rows[0] ?? noWork;
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === undefinedTable) return noWork;
        throw error;
      }
    },
  };
}

const noWork: BackgroundState = { workers: 0, workingSince: null, lastSweepAt: null };
