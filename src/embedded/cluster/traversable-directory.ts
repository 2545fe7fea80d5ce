import { chmodSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { getuid } from 'node:process';

/**
 * Creates a directory and its missing parents, which other users cannot write to. As root, sets their mode to 0755 regardless of the umask, because the
 * database runs as another user. Existing directories keep their mode.
 */
export function makeTraversable(directory: string): void {
  const first = mkdirSync(directory, { recursive: true, mode: 0o755 });
  if (first === undefined || getuid?.() !== 0) return;
  for (let path = directory; path.length >= first.length; path = dirname(path)) chmodSync(path, 0o755);
}
