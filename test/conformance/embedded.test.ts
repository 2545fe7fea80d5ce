import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';
import { createSpool } from '../../src/embedded/spool.ts';
import { describeSpool } from './spool.ts';

describe('on disk', () => {
  describeSpool(async () => {
    const parent = mkdtempSync(join(tmpdir(), 'token-broker-spool-'));
    const onUnreadable = (file: string) => {
      throw new Error(`${file} cannot be read.`);
    };
    return {
      reopen: () => createSpool(join(parent, 'instance'), onUnreadable),
      end: async () => rmSync(parent, { recursive: true, force: true }),
    };
  });
});
