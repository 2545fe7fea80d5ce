import { randomBytes } from 'node:crypto';
import { createRoleDatabase } from './role.ts';

export interface TwoRoles {
  /** Role that owns the database, for DATABASE_MIGRATE_URL. */
  ownerUrl: string;
  /** Role of the service, which owns nothing. */
  serviceUrl: string;
  role: string;
  /** Runs statements as superuser. */
  sql(statement: string): Promise<Record<string, unknown>[]>;
  drop(): Promise<void>;
}

/** Creates an empty database with an owner, and a role that has no privilege in it yet. */
export async function createTwoRoles(): Promise<TwoRoles> {
  const database = await createRoleDatabase();
  const role = `service_${randomBytes(6).toString('hex')}`;
  await database.sql(`create role ${role} login password 'service'`);
  const url = new URL(database.url);
  [url.username, url.password] = [role, 'service'];
  return {
    ownerUrl: database.url,
    serviceUrl: url.href,
    role,
    sql: (statement) => database.sql(statement),
    async drop() {
      await database.sql(`drop owned by ${role}`);
      await database.sql(`drop role ${role}`);
      await database.drop();
    },
  };
}
