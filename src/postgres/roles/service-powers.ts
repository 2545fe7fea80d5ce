import { toBrokerError } from '../driver/failures.ts';
import { pendingMigrations } from '../driver/migrate.ts';
import { createPool } from '../driver/pool.ts';
import { tableNames } from '../tables.ts';

/** superuser: no privilege is checked. owner: changes tables. create: adds tables and functions beside them. */
export type ServicePower = 'superuser' | 'owner' | 'create';

export interface ServiceState {
  /** False if the role does not find the tables of this version: it names another database or search_path. */
  findsTables: boolean;
  /** Powers that the service does not need. */
  powers: ServicePower[];
}

/** Reads what the role of the service finds and may do, as this role. */
export async function readServiceState(serviceUrl: string): Promise<ServiceState> {
  // As behind a transaction pooler, which the connection may go through: no session state is left there.
  const pool = createPool({ connectionString: serviceUrl, pooler: 'transaction', poolMax: 1, onError: () => {} });
  try {
    if ((await pendingMigrations(pool)).length > 0) return { findsTables: false, powers: [] };
    const { rows } = await pool.query<{ power: ServicePower }>(
      `select 'superuser' as power from pg_roles where rolname = current_user and rolsuper
       union all
       select 'owner' where exists (
         select from pg_class where oid = any(array(select to_regclass(quote_ident(name)) from unnest($1::text[]) as name))
           and pg_has_role(relowner, 'member'))
       union all
       select 'create' where has_schema_privilege(current_schema(), 'create')`,
      [tableNames],
    );
    const powers = rows.map(({ power }) => power);
    // A superuser has the others too.
    return { findsTables: true, powers: powers.includes('superuser') ? ['superuser'] : powers };
  } catch (error) {
    throw toBrokerError(error);
  } finally {
    await pool.end();
  }
}
