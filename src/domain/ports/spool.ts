import type { AuditEvent } from '../audit.ts';
import type { Grant } from '../grant.ts';
import type { StoredTokens } from './stores.ts';

/** Which state of a grant a write builds on: where the row has another version by then, it writes nothing. */
export type GrantBase = Pick<Grant, 'id' | 'connectionId' | 'organizationId' | 'version'>;

/** A refreshed token set that is to replace the one at `base`. */
export interface SpooledTokens {
  base: GrantBase;
  owner: string;
  tokens: StoredTokens;
  event: AuditEvent;
}

/** Where a rotated token set waits while the database is away, on a disk of this instance's own. */
export interface Spool {
  /** Durable when it resolves. */
  put(entry: SpooledTokens): Promise<void>;
  list(): Promise<SpooledTokens[]>;
  remove(entry: SpooledTokens): Promise<void>;
}
