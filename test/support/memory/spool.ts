import type { Spool, SpooledTokens } from '../../../src/domain/ports/spool.ts';

export interface MemorySpool extends Spool {
  /** By grant and version. */
  entries: Map<string, SpooledTokens>;
}

export function createMemorySpool(): MemorySpool {
  const entries = new Map<string, SpooledTokens>();
  const keyOf = ({ base }: SpooledTokens) => `${base.id} ${base.version}`;
  return {
    entries,
    put: async (entry) => void entries.set(keyOf(entry), entry),
    list: async () => [...entries.values()],
    remove: async (entry) => void entries.delete(keyOf(entry)),
  };
}
