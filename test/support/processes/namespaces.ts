import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execPath, getuid, platform } from 'node:process';
import { describeWithProgram } from './describe-with-program.ts';

export interface NamespaceOptions {
  /** Gives the process a network of its own, too. */
  network?: boolean;
  /** Keeps the namespace and its other processes when the program ends or is killed. */
  outlives?: boolean;
}

/** Declares a suite that needs `unshare`. Where it cannot be used, the suite is skipped by name; with CI=true it fails. */
export function describeWithNamespaces(name: string, suite: () => void): void {
  describeWithProgram({ title: 'unshare for namespaces', absence: absenceOfNamespaces() }, name, suite);
}

function absenceOfNamespaces(): string | null {
  if (platform !== 'linux') return 'only Linux has them';
  if (getuid?.() !== 0) return 'only root can make them';
  const { status, stderr } = spawnSync('unshare', [...flags({ network: true }), 'true'], { encoding: 'utf8' });
  return status === 0 ? null : `it failed (${(stderr ?? '').trim() || 'not installed'})`;
}

/**
 * Words that precede a program to run it as a container engine does: in PID, host name, IPC and mount namespaces of its
 * own. All its processes end when unshare is killed.
 */
export function inNamespaces(options: NamespaceOptions = {}): string[] {
  const keep = options.outlives === true ? ['sh', '-c', '"$@"; sleep 600', 'sh'] : [];
  return ['unshare', ...flags(options), ...keep];
}

function flags({ network = false }: NamespaceOptions): string[] {
  return ['--pid', '--fork', '--kill-child', '--mount-proc', '--uts', '--ipc', ...(network ? ['--net'] : [])];
}

/** Writes a program that runs Node in namespaces of its own. Returns its path. */
export function writeNodeInNamespaces(folder: string, options: NamespaceOptions = {}): string {
  const path = join(folder, `node-in-namespaces${options.network ? '-network' : ''}${options.outlives ? '-kept' : ''}`);
  const words = inNamespaces(options).map((word) => `'${word}'`);
  writeFileSync(path, `#!/bin/sh\nexec ${words.join(' ')} '${execPath}' "$@"\n`);
  chmodSync(path, 0o755);
  return path;
}

/** Returns the pids, here, of a process's descendants that run a program. */
export function descendantsOf(pid: number, program: string): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  return children.flatMap((child) => [
    ...(readFileSync(`/proc/${child}/cmdline`, 'utf8').startsWith(`${program}\0`) ? [child] : []),
    ...descendantsOf(child, program),
  ]);
}
