import type { UrlOrigins } from '../connections/url-origins.ts';
import type { Grant, GrantSlot, GrantStatus, LastError, StatusReason, TokenMetadata } from '../grants/grant.ts';
import type { Sealed } from './cipher.ts';

/** A sealed token set with its metadata, ready to be written. */
export interface StoredTokens {
  sealed: Sealed;
  metadata: TokenMetadata;
}

export interface GrantFilter {
  status?: GrantStatus;
  subject?: string;
  /** Part of the subject, the account's id or its name, case-insensitive. */
  q?: string;
  limit: number;
  /** Cursor of an earlier page. Any other value throws `invalid_request`. */
  cursor?: string;
}

export interface GrantPage {
  grants: Grant[];
  nextCursor: string | null;
}

export interface GrantReader {
  /** Lists a page of this organisation's grants of a connection, oldest first. Another organisation may own the connection. */
  list(connectionId: string, filter: GrantFilter): Promise<GrantPage>;
  /** Finds this organisation's grant of a connection by id. */
  find(connectionId: string, id: string): Promise<Grant | undefined>;
  /** Lists at most `limit` grants of a subject, in order of account. A null account matches every account. */
  findMatching(slot: Omit<GrantSlot, 'organizationId'>, limit: number): Promise<Grant[]>;
  /** Finds a slot's grant. With a null account on a multi_account connection: undefined unless there is exactly one. */
  findSlot(slot: Omit<GrantSlot, 'organizationId'>): Promise<Grant | undefined>;
}

/** A token set from outside the refresh engine: code exchange, import, first client_credentials token. */
export interface GrantArrival {
  slot: Omit<GrantSlot, 'organizationId'>;
  multiAccount: boolean;
  accountName: string | null;
  /** Whether the token response or a probe with the token named the account. */
  accountVerified: boolean;
  tokens: StoredTokens;
  requestedScopes: string[];
  /** Own hosts of the connection that may receive the tokens. */
  origins: UrlOrigins;
  testedAt: Date | null;
  now: Date;
}

export interface GrantWriter extends GrantReader {
  /** Finds the slot's row and locks it until the transaction ends. */
  lockSlot(slot: Omit<GrantSlot, 'organizationId'>): Promise<Grant | undefined>;
  /** Locks this organisation's grants of that subject. A null account matches every account. */
  lockMatching(connectionId: string, subject: string | null, accountId: string | null): Promise<Grant[]>;
  /** Inserts a row into an empty slot. Returns false if another transaction filled the slot first. */
  insert(id: string, arrival: GrantArrival): Promise<boolean>;
  /**
   * Replaces the tokens of a row locked by lockSlot: completed, version + 1, failures and revocation cleared, lease
   * kept.
   */
  replace(id: string, arrival: GrantArrival): Promise<void>;
  /**
   * Writes a failed grant with its retry date, in place of an existing one: the client_credentials request was refused.
   */
  putFailed(
    id: string,
    slot: Omit<GrantSlot, 'organizationId'>,
    failure: {
      reason: StatusReason;
      message: string;
      error?: LastError | null;
      retryAt: Date | null;
      /** Hosts that may receive the tokens of a later refresh, unless the grant has tokens. */
      origins: UrlOrigins;
      now: Date;
    },
  ): Promise<void>;
  /** Drops the tokens: version + 1, failed with reason revoked. */
  revoke(id: string, revocation: { by: string; reason: string | null; now: Date }): Promise<void>;
  delete(id: string): Promise<boolean>;
  /** Lists the grants with tokens of every organisation, below a connection that this organisation owns. */
  listAllOf(connectionId: string): Promise<Pick<Grant, 'id' | 'organizationId' | 'sealedTokens' | 'origins'>[]>;
  /** Counts the working grants of every organisation, and their owners, below a connection that this organisation owns. */
  countWorkingOf(connectionId: string): Promise<{ grants: number; organizations: number }>;
  /**
   * Drops the tokens of every organisation below a connection that this organisation owns: version + 1, not_connected,
   * configuration_changed. Returns the number of grants.
   */
  dropAllOf(connectionId: string, now: Date): Promise<number>;
  /**
   * Lets grants of every organisation whose client was refused be refreshed at once, and ends a pause of the connection:
   * the client secret was sent again. Moves client_rejected to completed.
   */
  liftClientRejection(connectionId: string, now: Date): Promise<void>;
  /**
   * Returns the largest number of accounts of one organisation and subject, below a connection that this organisation
   * owns.
   */
  maxAccountsPerSubject(connectionId: string): Promise<number>;
  /** Changes the key of every slot of the connection: with or without the account. */
  setMultiAccount(connectionId: string, multiAccount: boolean): Promise<void>;
  /** Records a test. `account`: id that the probe named. If it is the grant's, the account is verified from then on. */
  recordTest(
    id: string,
    test: { at: Date; health: Grant['health']; error: string | null; account?: string | null },
  ): Promise<void>;
}
