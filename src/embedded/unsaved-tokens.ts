import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { inspectClaim } from './claim-holder.ts';
import { instanceFolder } from './instance.ts';
import { spoolExtension } from './spool.ts';

/**
 * Counts the token sets in the spools of this process and of ended processes of the same data directory. Leaves out
 * those of other live processes, which report their own.
 */
export async function countUnsavedTokens(dataDir: string): Promise<number> {
  const folder = instanceFolder(dataDir);
  let count = 0;
  for (const id of await namesIn(folder)) {
    const tokens = (await namesIn(join(folder, id))).filter((name) => name.endsWith(spoolExtension)).length;
    if (tokens > 0 && !(await isHeldByOther(join(folder, id, 'lock')))) count += tokens;
  }
  return count;
}

async function isHeldByOther(lock: string): Promise<boolean> {
  const found = await inspectClaim(lock);
  return found.state === 'held' && !found.holder.isOwn;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // A folder that another process removes or has not made yet, or a file beside the folders.
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}
