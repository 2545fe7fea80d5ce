import { findProgram, installPackage } from '../processes/debian-programs.ts';

/** Finds promtool, or installs Debian's package of Prometheus with apt if possible. The server is beside it. */
export async function locatePrometheus(): Promise<{ promtool: string | null; absence: string | null }> {
  const found = findProgram(['promtool']);
  if (found !== undefined) return { promtool: found, absence: null };
  const reason = await installPackage('prometheus');
  const installed = findProgram(['promtool']);
  if (installed !== undefined) return { promtool: installed, absence: null };
  return { promtool: null, absence: `no promtool on the PATH, ${reason}` };
}
