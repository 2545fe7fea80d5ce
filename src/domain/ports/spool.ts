import type { AuditEvent } from '../audit.ts';
import type { Grant } from '../grants/grant.ts';
import type { StoredTokens } from './grants.ts';

/** Version of a grant that a write builds on. If the row has another version, nothing is written. */
export type GrantBase = Pick<Grant, 'id' | 'connectionId' | 'organizationId' | 'version'>;

/** A refreshed token set that replaces the one at `base`. */
export interface SpooledTokens {
  base: GrantBase;
  owner: string;
  tokens: StoredTokens;
  event: AuditEvent;
  /** Name of the second token set that is new; absent for the main one. `tokens.metadata` is then that of the second one. */
  sibling?: string;
  /**
   * Fingerprint of the token set that was replaced; absent if the grant has one token set only. If the row moved on and
   * still has it, only the other token set is newer, and this one can still be stored.
   */
  replaces?: string;
}

/** Keeps rotated token sets on this instance's own disk while the database is unavailable. */
export interface Spool {
  /** Resolves when the entry is durable. */
  put(entry: SpooledTokens): Promise<void>;
  list(): Promise<SpooledTokens[]>;
  remove(entry: SpooledTokens): Promise<void>;
}
