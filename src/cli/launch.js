#!/usr/bin/env node
import { lstatSync, mkdirSync } from 'node:fs';
import * as modules from 'node:module';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

// Plain JavaScript, because older versions of Node.js cannot read the modules of the command line.
const minimumNode = '24.0';

/**
 * Keeps compiled modules, which more than halves the time to start. Node.js runs what it finds there, so the folder must
 * belong to this user and be closed to all others.
 */
function useCompileCache() {
  const user = process.getuid?.();
  const folders = [
    join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'token-broker'),
    join(tmpdir(), `token-broker-${user ?? 'cache'}`),
  ];
  for (const folder of folders) {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const { uid, mode } = lstatSync(folder);
      if (user !== undefined && (uid !== user || (mode & 0o170077) !== 0o040000)) continue;
      modules.enableCompileCache?.(folder);
      return;
    } catch {
      // A folder that cannot be made is none: the next one is tried.
    }
  }
}

const [major, minor] = minimumNode.split('.').map(Number);
const [ownMajor, ownMinor] = process.versions.node.split('.').map(Number);
if (ownMajor < major || (ownMajor === major && ownMinor < minor)) {
  process.stderr.write(
    `token-broker runs on Node.js ${minimumNode} or later, and this is ${process.versions.node}. Install a later Node.js.\n`,
  );
  process.exitCode = 1;
} else {
  useCompileCache();
  await import('./main.ts');
}
