import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { createTestDatabase } from './database.ts';

export interface RoleDatabase {
  /** Connects as a role that owns the database and is no superuser. */
  url: string;
  /** Replaces the defaults of the role. Sessions that start afterwards have them. */
  setDefaults(settings: Readonly<Record<string, string>>): Promise<void>;
  /** Runs a statement as superuser. */
  sql<R extends pg.QueryResultRow>(statement: string): Promise<R[]>;
  drop(): Promise<void>;
}

/** Creates a database whose owner has defaults of its own. */
export async function createRoleDatabase(): Promise<RoleDatabase> {
  const database = await createTestDatabase();
  const role = `role_${randomBytes(8).toString('hex')}`;
  const password = randomBytes(16).toString('hex');
  const admin = new pg.Pool({ connectionString: database.url, max: 1 });
  admin.on('error', () => {});
  const name = new URL(database.url).pathname.slice(1);
  await admin.query(`create role ${role} login password '${password}'`);
  await admin.query(`alter database ${name} owner to ${role}`);
  const url = new URL(database.url);
  url.username = role;
  url.password = password;
  return {
    url: url.href,
    async setDefaults(settings) {
      await admin.query(`alter role ${role} reset all`);
      for (const [setting, value] of Object.entries(settings)) {
        await admin.query(`alter role ${role} set ${setting} = ${listOf(setting, value)}`);
      }
    },
    sql: async <R extends pg.QueryResultRow>(statement: string) => (await admin.query<R>(statement)).rows,
    async drop() {
      await admin.end();
      await database.drop();
      await dropRole(role);
    },
  };
}

/** A search_path is a list; every other value is one literal. */
function listOf(setting: string, value: string): string {
  if (setting !== 'search_path') return `'${value}'`;
  return value
    .split(', ')
    .map((schema) => `'${schema}'`)
    .join(', ');
}

async function dropRole(role: string): Promise<void> {
  const client = new pg.Client({ connectionString: inject('postgresUrl') });
  await client.connect();
  await client.query(`drop role if exists ${role}`).finally(() => client.end());
}
