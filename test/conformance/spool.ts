import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Spool } from '../../src/domain/ports/spool.ts';
import { tokensUntil } from '../support/builders/grant.ts';
import { aSpoolEntry, withPlainBytes } from '../support/builders/refreshed.ts';

export interface OpenedSpool {
  /** The spool as the next process opens it. */
  reopen(): Spool;
  end(): Promise<void>;
}

export function describeSpool(open: () => Promise<OpenedSpool>): void {
  describe('Spool', () => {
    let opened: OpenedSpool;
    beforeEach(async () => {
      opened = await open();
    });
    afterEach(() => opened.end());

    test('returns every entry as it was put, to the next process', async () => {
      const entries = [
        aSpoolEntry(),
        aSpoolEntry({ tokens: tokensUntil(null, { obtainedAt: null, lifetimeSeconds: null }) }),
      ];
      for (const entry of entries) await opened.reopen().put(entry);
      const found = await opened.reopen().list();
      expect(found).toHaveLength(2);
      expect(found.map(withPlainBytes)).toEqual(expect.arrayContaining(entries.map(withPlainBytes)));
    });

    test('holds nothing before the first entry', async () => {
      expect(await opened.reopen().list()).toEqual([]);
    });

    test('removes one entry; removing it again changes nothing', async () => {
      const [kept, gone] = [aSpoolEntry(), aSpoolEntry()];
      const spool = opened.reopen();
      for (const entry of [kept, gone]) await spool.put(entry);
      await spool.remove(gone);
      await spool.remove(gone);
      expect((await spool.list()).map(({ base }) => base)).toEqual([kept.base]);
    });

    test('an entry of the same grant and version replaces the earlier one', async () => {
      const entry = aSpoolEntry();
      for (const owner of ['first', 'second']) await opened.reopen().put({ ...entry, owner });
      expect((await opened.reopen().list()).map(({ owner }) => owner)).toEqual(['second']);
    });

    test('entries of two versions of a grant are kept apart', async () => {
      const entry = aSpoolEntry();
      const next = { ...entry, base: { ...entry.base, version: entry.base.version + 1 } };
      const spool = opened.reopen();
      await spool.put(entry);
      await spool.put(next);
      await spool.remove(entry);
      expect((await spool.list()).map(({ base }) => base)).toEqual([next.base]);
    });
  });
}
