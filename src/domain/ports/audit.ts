import type { AuditAction, AuditEvent, StoredAuditEvent } from '../audit.ts';
import type { Reach } from '../callers/caller.ts';
import type { Consent, ConsentEnd, NewConsent } from '../grants/consent.ts';

/** Writes events inside the transaction of the change they report. */
export interface AuditWriter {
  append(event: Omit<AuditEvent, 'organizationId'>): Promise<void>;
}

/** Writes many events at once, outside the transactions that they report. */
export interface AuditBatchWriter {
  /** Throws service_unavailable. The events may have been written if the connection broke during the call. */
  appendAll(events: readonly AuditEvent[]): Promise<void>;
}

export interface AuditFilter {
  /** Only events of organisations within it. */
  reach: Reach;
  actor?: string;
  action?: AuditAction;
  organizationId?: string;
  connectionName?: string;
  grantId?: string;
  outcome?: AuditEvent['outcome'];
  /** Earliest time, included. */
  from?: Date;
  /** Latest time, not included. */
  to?: Date;
}

export interface AuditPage {
  events: StoredAuditEvent[];
  nextCursor: string | null;
}

/** Reads the audit trail, newest event first. */
export interface AuditReader {
  /** Lists a page. Throws `invalid_request` for a cursor that no page has given. */
  list(filter: AuditFilter, page: { limit: number; cursor?: string }): Promise<AuditPage>;
  /**
   * Reads every event that was committed when the export began, each once, in pieces. Holds no connection and no
   * transaction between two pieces. Throws service_unavailable.
   */
  export(filter: AuditFilter): AsyncIterable<StoredAuditEvent[]>;
}

/** End of a consent. `actor` is the caller that ended it. */
export interface ConsentEnding {
  by: Exclude<ConsentEnd, 'replaced'>;
  actor: string;
  at: Date;
}

/** Writes the history of consents inside the transaction that changes the grants. */
export interface ConsentWriter {
  /** Records the consent behind a token set that arrived, and ends the grant's present one as replaced. */
  begin(consent: NewConsent): Promise<void>;
  /** Ends the present consent of a grant, if it has one. */
  end(grantId: string, ending: ConsentEnding): Promise<void>;
  /** Ends the present consents of every organisation, below a connection that this organisation owns. */
  endAllOf(connectionId: string, ending: ConsentEnding): Promise<void>;
}

/** Maximum number of consents that are listed for one grant: the newest. */
export const maxConsentsListed = 100;

export interface ConsentReader {
  /** Lists the consents of a grant of any organisation, newest first. The caller checks who may see the grant. */
  listOfGrant(grantId: string): Promise<Consent[]>;
}
