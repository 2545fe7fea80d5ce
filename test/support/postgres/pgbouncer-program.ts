import { findProgram, installPackage } from '../processes/debian-programs.ts';

/** Finds PgBouncer, or installs it with apt if possible. */
export async function locatePgBouncer(): Promise<{ program: string | null; absence: string | null }> {
  const found = findProgram(['pgbouncer']);
  if (found !== undefined) return { program: found, absence: null };
  const reason = await installPackage('pgbouncer');
  const installed = findProgram(['pgbouncer']);
  if (installed !== undefined) return { program: installed, absence: null };
  return { program: null, absence: `no pgbouncer on the PATH, ${reason}` };
}
