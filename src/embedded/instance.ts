import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Log, tryClaim } from './claim.ts';
import { createPrivateDirectory } from './private-directory.ts';

/** One of the brokers that share a data directory. Each has a folder of its own there. */
export interface Instance {
  /** Outlives the process: the next process that claims the folder continues under this id. */
  id: string;
  directory: string;
  release(): void;
}

/** Claims all abandoned instances; the first, or a new one, is this process's own. The caller recovers their work. */
export async function claimInstances(dataDir: string, log: Log = () => {}): Promise<[Instance, ...Instance[]]> {
  const [first, ...others] = await claimAbandoned(dataDir, log);
  return first === undefined ? [await createInstance(dataDir, log)] : [first, ...others];
}

async function createInstance(dataDir: string, log: Log): Promise<Instance> {
  const id = randomUUID();
  mkdirSync(join(instanceFolder(dataDir), id), { recursive: true, mode: 0o700 });
  // Another process that claims abandoned folders may have taken it already.
  return (await claim(dataDir, id, log)) ?? createInstance(dataDir, log);
}

/** Claims all folders whose process has ended. */
export async function claimAbandoned(dataDir: string, log: Log = () => {}): Promise<Instance[]> {
  const folder = instanceFolder(dataDir);
  createPrivateDirectory(dataDir);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const claimed: Instance[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const instance = entry.isDirectory() ? await claim(dataDir, entry.name, log) : undefined;
    if (instance !== undefined) claimed.push(instance);
  }
  return claimed;
}

async function claim(dataDir: string, id: string, log: Log): Promise<Instance | undefined> {
  const directory = join(instanceFolder(dataDir), id);
  const lock = await tryClaim(join(directory, 'lock'), log);
  return 'release' in lock ? { id, directory, release: lock.release } : undefined;
}

/** Folder that holds one folder for each instance. */
export function instanceFolder(dataDir: string): string {
  return join(resolve(dataDir), 'instances');
}
