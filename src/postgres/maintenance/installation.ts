import type pg from 'pg';

const settingName = 'installation_id';

/**
 * Returns the id of the installation, the same for all processes of one database. The first reader creates it; of
 * readers at the same time one does. A copy of the database has the id of its original.
 */
export async function readInstallationId(pool: Pick<pg.Pool, 'query'>): Promise<string> {
  const found = await find(pool);
  if (found !== undefined) return found;
  await pool.query(
    `insert into settings (name, value, updated_at)
     values ($1, to_jsonb(gen_random_uuid()::text), clock_timestamp()) on conflict (name) do nothing`,
    [settingName],
  );
  const created = await find(pool);
  if (created === undefined) throw new Error('The id of the installation was deleted while it was created.');
  return created;
}

async function find(pool: Pick<pg.Pool, 'query'>): Promise<string | undefined> {
  const { rows } = await pool.query<{ id: string }>("select value #>> '{}' as id from settings where name = $1", [
    settingName,
  ]);
  return rows[0]?.id;
}
