import { toBrokerError } from '../driver/failures.ts';
import { createPool } from '../driver/pool.ts';
import { readInstallationId } from '../maintenance/installation.ts';

export interface OwnerState {
  role: string;
  installationId: string;
}

/** Reads the name of the owner's role and the id of the installation, which it creates in a new database. */
export async function readOwnState(ownerUrl: string): Promise<OwnerState> {
  const pool = createPool({ connectionString: ownerUrl, poolMax: 1, onError: () => {} });
  try {
    const { rows } = await pool.query<{ role: string }>('select current_user::text as role');
    const [state] = rows;
    if (state === undefined) throw new Error('the database returned no role');
    return { role: state.role, installationId: await readInstallationId(pool) };
  } catch (error) {
    throw toBrokerError(error);
  } finally {
    await pool.end();
  }
}
