import type pg from 'pg';
import type { Connection } from '../../domain/connections/connection.ts';
import { createBatchedQuery } from '../batch/batched-query.ts';
import { columnsText } from '../columns.ts';
import { type ConnectionRow, connectionColumns, toConnection } from '../connections/connection-rows.ts';
import { queryPrepared } from '../driver/query-prepared.ts';

interface FoundConnection {
  connection: Connection;
  clientPaused: boolean;
}

/** Reads connections by id in batches. Grants read together share one connection object. */
export function createFindConnection({ pool }: { pool: pg.Pool }) {
  return createBatchedQuery<string, FoundConnection>(async (ids) => {
    const rows = await queryPrepared<ConnectionRow & { client_paused: boolean }>(pool, {
      name: 'connections_by_id',
      text: `select ${columnsText('connections', connectionColumns)}, paused_until is not null as client_paused
        from connections left join client_refusals on connection_id = id where id = any($1::uuid[])`,
      values: [[...new Set(ids)]],
    });
    const byId = new Map(
      rows.map((row) => [row.id, { connection: toConnection(row), clientPaused: row.client_paused }]),
    );
    return ids.map((id) => byId.get(id));
  });
}
