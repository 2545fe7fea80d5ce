import { findProgram, installPackage } from '../processes/debian-programs.ts';

/** Finds nginx, or installs it with apt if possible. */
export async function locateNginx(): Promise<{ program: string | null; absence: string | null }> {
  const found = findProgram(['nginx']);
  if (found !== undefined) return { program: found, absence: null };
  const reason = await installPackage('nginx-light');
  const installed = findProgram(['nginx']);
  if (installed !== undefined) return { program: installed, absence: null };
  return { program: null, absence: `no nginx on the PATH, ${reason}` };
}
