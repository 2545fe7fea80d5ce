import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getuid, platform } from 'node:process';
import { findProgram, installPackage } from './debian-programs.ts';
import { createTemporaryFolder } from './temporary-folder.ts';

export interface Mounts {
  /** Folder of an exFAT file system, which has no links and no sockets. */
  exfat: string;
  /** Two mounts of one folder. Each has sockets of its own, like two mounts of a network file system. */
  twice: readonly [string, string];
  close(): void;
}

const packages: Readonly<Record<string, string>> = {
  'mkfs.exfat': 'exfatprogs',
  'mount.exfat-fuse': 'exfat-fuse',
  bindfs: 'bindfs',
};
const exfatBytes = 16 * 1024 * 1024;

/** Mounts file systems below a temporary folder. Returns the reason if this machine cannot. */
export async function openMounts(): Promise<Mounts | string> {
  if (platform !== 'linux' || getuid?.() !== 0) return 'only root on Linux can mount them';
  for (const [program, name] of Object.entries(packages)) {
    if (findProgram([program]) !== undefined) continue;
    const reason = await installPackage(name);
    if (findProgram([program]) === undefined) return `${program} is not installed, ${reason}`;
  }
  const home = createTemporaryFolder('token-broker-mounts-');
  const undo: (() => void)[] = [() => rmSync(home, { recursive: true, force: true })];
  const close = () => {
    for (const step of undo.splice(0).reverse()) step();
  };
  const folder = (name: string) => {
    mkdirSync(join(home, name));
    return join(home, name);
  };
  const mount = (program: string, source: string, target: string) => {
    run(program, source, target);
    undo.push(() => run('umount', '-l', target));
    return target;
  };
  try {
    const image = join(home, 'image');
    writeFileSync(image, '');
    truncateSync(image, exfatBytes);
    run('mkfs.exfat', image);
    const device = run('losetup', '-f', '--show', image).trim();
    undo.push(() => run('losetup', '-d', device));
    const exfat = mount('mount.exfat-fuse', device, folder('exfat'));
    const shared = folder('shared');
    const twice = [mount('bindfs', shared, folder('first')), mount('bindfs', shared, folder('second'))] as const;
    return { exfat, twice, close };
  } catch (error) {
    close();
    return `mounting failed: ${error instanceof Error ? error.message.split('\n')[0] : 'unknown error'}`;
  }
}

function run(program: string, ...words: string[]): string {
  return execFileSync(findProgram([program]) ?? program, words, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
