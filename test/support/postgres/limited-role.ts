import { randomBytes } from 'node:crypto';
import { Client } from 'pg';

export interface LimitedRole {
  /** Name of the role, for statements that change its privileges and settings. */
  name: string;
  /** The database as this role sees it. */
  url: string;
  /** Runs one statement as the owner of the tables. */
  sql(statement: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  drop(): Promise<void>;
}

/** Creates a role that may read and write the tables of a migrated database, and that owns nothing. */
export async function createLimitedRole(databaseUrl: string): Promise<LimitedRole> {
  const owner = new Client({ connectionString: databaseUrl });
  await owner.connect();
  const name = `limited_${randomBytes(6).toString('hex')}`;
  await owner.query(`create role ${name} login password 'limited'`);
  await owner.query(`grant select, insert, update, delete on all tables in schema public to ${name}`);
  const url = new URL(databaseUrl);
  url.username = name;
  url.password = 'limited';
  return {
    name,
    url: url.href,
    sql: async (statement, values = []) => (await owner.query(statement, values)).rows,
    drop: async () => {
      await owner.query(`drop owned by ${name}`);
      await owner.query(`drop role ${name}`);
      await owner.end();
    },
  };
}
