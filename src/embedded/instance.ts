import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Lock, tryLock } from './lock.ts';

/** One of the brokers that share a data directory, with a folder of its own there. */
export interface Instance {
  /** Outlives the process: whoever claims the folder next is its next incarnation. */
  id: string;
  directory: string;
  release(): void;
}

/** An instance for this process, and behind it all others that nobody runs any more: what they hold is to be looked after. */
export async function claimInstances(dataDir: string): Promise<[Instance, ...Instance[]]> {
  const [first, ...others] = await claimAbandoned(dataDir);
  return first === undefined ? [await createInstance(dataDir)] : [first, ...others];
}

async function createInstance(dataDir: string): Promise<Instance> {
  const id = randomUUID();
  mkdirSync(join(folderOf(dataDir), id), { recursive: true, mode: 0o700 });
  // A process that looks for abandoned folders may have been quicker.
  return (await claim(dataDir, id)) ?? createInstance(dataDir);
}

/** Claims every folder whose process is dead. */
export async function claimAbandoned(dataDir: string): Promise<Instance[]> {
  const folder = folderOf(dataDir);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const claimed: Instance[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const instance = entry.isDirectory() ? await claim(dataDir, entry.name) : undefined;
    if (instance !== undefined) claimed.push(instance);
  }
  return claimed;
}

async function claim(dataDir: string, id: string): Promise<Instance | undefined> {
  const directory = join(folderOf(dataDir), id);
  const taken: Lock | object = await tryLock(join(directory, 'lock'));
  return 'release' in taken ? { id, directory, release: taken.release } : undefined;
}

function folderOf(dataDir: string): string {
  return join(resolve(dataDir), 'instances');
}
