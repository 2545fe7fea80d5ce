import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Variables } from './variables.ts';

/** Entries of which a data directory of the broker has at least one. */
const marks = ['admin-key', 'broker.lock', 'encryption-keys', 'instances', 'postgres'];

/** A data directory. `isNamed`: DATA_DIR names it; otherwise it is the default, found in the working directory. */
export interface LocatedDirectory {
  path: string;
  isNamed: boolean;
}

/**
 * Finds the data directory: DATA_DIR, or ./data beside a broker on this machine. A folder that happens to be called
 * `data` and holds nothing of a broker is none.
 */
export function locateDataDirectory({
  environment,
  directory,
  isLocal,
}: Variables & { isLocal: boolean }): LocatedDirectory | null {
  const named = environment.DATA_DIR;
  if (named) return { path: resolve(directory, named), isNamed: true };
  const path = resolve(directory, 'data');
  return isLocal && isOfBroker(path) ? { path, isNamed: false } : null;
}

function isOfBroker(path: string): boolean {
  try {
    return readdirSync(path).some((name) => marks.includes(name));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES';
  }
}
