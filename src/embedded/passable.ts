import { chmodSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { getuid } from 'node:process';

/**
 * Makes a directory with whatever is missing above it. Where root does, others may pass through what was made, whatever
 * the umask: the database does not run as root. What was there already keeps its mode.
 */
export function makePassable(directory: string): void {
  const first = mkdirSync(directory, { recursive: true });
  if (first === undefined || getuid?.() !== 0) return;
  for (let path = directory; path.length >= first.length; path = dirname(path)) chmodSync(path, 0o755);
}
