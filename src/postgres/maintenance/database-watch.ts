import type pg from 'pg';
import { isBrokerError } from '../../domain/errors.ts';
import { isConnectionLost } from '../driver/failures.ts';

/** Rejects if the contents of the database do not fit this process. Runs when the tables are not the ones it knew. */
export type AcceptContents = () => Promise<void>;

export interface DatabaseWatch {
  /** Watches until `stop`. The tables as they are now count as known. */
  start(accept: AcceptContents): void;
  /** Reason why the database cannot be used although it replies. Null if it can, and before the start. */
  fault(): string | null;
  stop(): void;
}

export interface DatabaseWatchDeps {
  /** A connection of its own: a busy pool must not hide a fault. */
  heartbeat: Pick<pg.Pool, 'query'>;
  tables: readonly string[];
  /** Replaces the connections: the address may lead to another server. */
  onFailover: () => void;
  /** Empties what the process has in memory of the database. */
  onReplaced: () => void;
  onError: (error: unknown) => void;
  everyMs?: number;
}

interface State {
  readOnly: boolean;
  missing: string[];
  /** Changes if the database or a table is created anew, truncated or loaded from a dump. */
  contents: string;
}

/** Costs a look-up in the catalog for each table. An index is part of it: a restore adds the indexes last. */
const stateText = `select pg_is_in_recovery() or current_setting('transaction_read_only')::boolean as "readOnly",
    coalesce(array_agg(name order by name) filter (where found.oid is null), '{}') as missing,
    concat_ws(',', (select oid from pg_database where datname = current_database()), string_agg(
      concat_ws('/', found.oid, pg_relation_filenode(found.oid), found.indexes), ',' order by name
    )) as contents
  from unnest($1::text[]) as name left join lateral (
    select to_regclass(name)::oid as oid,
      (select string_agg(indexrelid::text, '+' order by indexrelid) from pg_index where indrelid = to_regclass(name)) as indexes
  ) as found on true`;

/**
 * Notices, by one statement at each heartbeat, that the server takes no writes, and that tables were dropped or
 * replaced under the running process, for example by a restore.
 */
export function createDatabaseWatch(deps: DatabaseWatchDeps): DatabaseWatch {
  const { heartbeat, tables, onFailover, onReplaced, onError, everyMs = 1_500 } = deps;
  let accept: AcceptContents | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isChecking = false;
  let isReadOnly = false;
  let fault: string | null = null;
  /** Contents of the latest check, and the latest that were accepted. */
  let seen: string | undefined;
  let accepted: string | undefined;
  let reported: string | undefined;

  async function check(): Promise<void> {
    const { rows } = await heartbeat.query<State>(stateText, [tables]);
    const [state] = rows;
    if (state === undefined || timer === undefined) return;
    // Again when it ends: the address may have led to another server only since then.
    if (state.readOnly || isReadOnly) onFailover();
    isReadOnly = state.readOnly;
    accepted ??= state.contents;
    if (seen !== undefined && seen !== state.contents) onReplaced();
    seen = state.contents;
    fault = await findFault(state);
  }

  async function findFault({ readOnly, missing, contents }: State): Promise<string | null> {
    if (readOnly) return 'The database takes no writes.';
    if (missing.length > 0) return `Tables are missing in the database: ${missing.join(', ')}.`;
    if (contents === accepted) return null;
    try {
      await accept?.();
      // Rows that were read while the tables were loaded may be incomplete.
      onReplaced();
      accepted = contents;
      return null;
    } catch (error) {
      report(error);
      return isBrokerError(error)
        ? error.message
        : 'The tables of the database were replaced and do not fit this process. Its log has the reason.';
    }
  }

  function report(error: unknown): void {
    if (reported !== String(error)) onError(error);
    reported = String(error);
  }

  function tick(): void {
    // Checks that wait for the connection would only pile up.
    if (isChecking) return;
    isChecking = true;
    check()
      .catch((error: unknown) => {
        if (isConnectionLost(error)) onFailover();
      })
      .finally(() => {
        isChecking = false;
      });
  }

  return {
    start(accepting) {
      accept = accepting;
      timer ??= setInterval(tick, everyMs);
      tick();
    },
    fault: () => fault,
    stop() {
      clearInterval(timer);
      timer = undefined;
    },
  };
}
