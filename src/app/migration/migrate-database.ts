import type { Logger } from 'pino';
import type { Config } from '../../config.ts';
import type { Secret } from '../../domain/secret.ts';
import { type DatabaseVariable, namingVariable, requireServer } from '../diagnosis/database-access.ts';
import { admitService } from './admit-service.ts';
import { migrateShowing } from './migrate-showing.ts';

/** Variables that say where the tables are, and as which roles they are used. */
export type DatabaseRoles = Pick<Config, 'databaseMigrateUrl' | 'databaseListenUrl' | 'redisUrl'>;

/**
 * Migrates the database, as the owner of the tables. If that is not the role of the service, also gives the service
 * what it needs. Returns the names of the migrations it ran.
 */
export async function migrateDatabase(roles: DatabaseRoles, databaseUrl: Secret, log: Logger): Promise<string[]> {
  const { databaseMigrateUrl, databaseListenUrl } = roles;
  const url = databaseMigrateUrl ?? databaseListenUrl ?? databaseUrl;
  const applied = await migrateExplaining(variableOf(roles), url.reveal(), log);
  if (databaseMigrateUrl !== null) {
    const variable = databaseListenUrl === null ? 'DATABASE_URL' : 'DATABASE_LISTEN_URL';
    const service = { variable, url: databaseListenUrl ?? databaseUrl } as const;
    await admitService({ owner: databaseMigrateUrl, service, hasQueue: roles.redisUrl === null }, log);
  }
  return applied;
}

function variableOf({ databaseMigrateUrl, databaseListenUrl }: DatabaseRoles): DatabaseVariable {
  if (databaseMigrateUrl !== null) return 'DATABASE_MIGRATE_URL';
  return databaseListenUrl === null ? 'DATABASE_URL' : 'DATABASE_LISTEN_URL';
}

/**
 * Refuses a server that the service would refuse, before it makes tables there. Looks for missing privileges only if the
 * migration fails: a role without them may run one that changes nothing.
 */
async function migrateExplaining(variable: DatabaseVariable, url: string, log: Logger): Promise<string[]> {
  await requireServer(variable, url, async () => ({ createsTables: false, hasQueue: false }));
  try {
    return await migrateShowing(url, log);
  } catch (error) {
    await requireServer(variable, url, async () => ({ createsTables: true, hasQueue: false }));
    return namingVariable(variable, async () => {
      throw error;
    });
  }
}
