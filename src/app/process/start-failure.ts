import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../config.ts';
import { KeyUnavailable } from '../../domain/ports/keys.ts';
import { writeDurably } from '../../embedded/durable-file.ts';

type Process = Pick<Config, 'dataDir' | 'role'>;

/**
 * Keeps the reason of a failed start in DATA_DIR, where the command `doctor` reads it: a process that ended answers no
 * request. The message is the one that the process prints. Roles that share a directory have a file each.
 */
export function recordStartFailure({ dataDir, role }: Process, error: unknown): void {
  const message = error instanceof Error ? error.message : 'unknown error';
  const about = error instanceof KeyUnavailable ? 'keys' : null;
  const content = JSON.stringify({ failed_at: new Date().toISOString(), role, about, message });
  // A refused start creates no data directory: its path may be part of what is wrong.
  if (!existsSync(dataDir)) return;
  try {
    mkdirSync(folderOf(dataDir), { mode: 0o700, recursive: true });
    writeDurably(fileOf(dataDir, role), `${content}\n`);
  } catch {
    // A directory that cannot be written is often the fault itself. The process still prints it.
  }
}

export function forgetStartFailure({ dataDir, role }: Process): void {
  try {
    rmSync(fileOf(dataDir, role), { force: true });
  } catch {
    // The record of an earlier start. `doctor` reads it only while no service answers.
  }
}

function fileOf(dataDir: string, role: Config['role']): string {
  return join(folderOf(dataDir), `${role}.json`);
}

function folderOf(dataDir: string): string {
  return join(dataDir, 'start-failures');
}
