import type { AuditEvent } from '../audit.ts';
import type { Authorization, AuthorizationStatus } from '../authorization.ts';
import type { Connection, Flow, OrganizationId } from '../connection.ts';
import type { Grant, GrantSlot, GrantStatus, StatusReason, TokenFacts } from '../grant.ts';
import type { Sealed } from './cipher.ts';

/** A connection as one organisation sees it: its own grant speaks for it, else the shared one, else the latest trip. */
export interface ConnectionRecord {
  connection: Connection;
  status: GrantStatus;
  statusReason: StatusReason | null;
  statusMessage: string | null;
  /** The grant a fetch without subject would be served from. */
  served: Grant | null;
  /** True for a global connection hidden behind the organisation's own of the same name. */
  shadowed: boolean;
}

export interface ConnectionFilter {
  includeGlobal: boolean;
  status?: GrantStatus;
  provider?: string;
  flow?: Flow;
  /** Part of the name or the description, whatever the case. */
  q?: string;
  limit: number;
  /** As an earlier page gave it; `invalid_request` where it is not one of ours. */
  cursor?: string;
}

export interface ConnectionPage {
  records: ConnectionRecord[];
  /** All that match, on every page. */
  count: number;
  nextCursor: string | null;
}

export interface ConnectionReader {
  /** The organisation's own connection of that name, else the global one. */
  find(name: string): Promise<ConnectionRecord | undefined>;
  /** Only one this organisation owns. */
  findOwn(name: string): Promise<ConnectionRecord | undefined>;
  list(filter: ConnectionFilter): Promise<ConnectionPage>;
}

export interface ConnectionWriter extends ConnectionReader {
  /** Holds the row until the transaction ends, so that an edit and its effects are one. */
  lockOwn(name: string): Promise<Connection | undefined>;
  /** By id, the organisation's own or a global one; holds it against edits and deletion, not against other readers. */
  lockForUse(id: string): Promise<Connection | undefined>;
  /** Throws `connection_exists`. */
  insert(connection: Connection): Promise<void>;
  /** Writes settings, secrets, versions and updated_at of a row held by lockOwn. */
  update(connection: Connection): Promise<void>;
  /** With its grants, trips and everything else below it, of every organisation. */
  delete(id: string): Promise<void>;
}

/** A token set ready to be written. */
export interface StoredTokens {
  sealed: Sealed;
  facts: TokenFacts;
}

export interface GrantReader {
  /** This organisation's grants of a connection, whoever owns the connection. */
  list(connectionId: string): Promise<Grant[]>;
  /** By slot; where the account is null and the connection has many accounts, undefined unless there is exactly one. */
  findSlot(slot: Omit<GrantSlot, 'organizationId'>): Promise<Grant | undefined>;
}

/** A write of tokens from outside the refresh engine: code exchange, import, first client_credentials token. */
export interface GrantArrival {
  slot: Omit<GrantSlot, 'organizationId'>;
  multiAccount: boolean;
  accountName: string | null;
  tokens: StoredTokens;
  requestedScopes: string[];
  testedAt: Date | null;
  now: Date;
}

export interface GrantWriter extends GrantReader {
  /** The slot's row, held until the transaction ends. */
  lockSlot(slot: Omit<GrantSlot, 'organizationId'>): Promise<Grant | undefined>;
  /** All of this organisation's grants with that subject (of every account where the account is null), held. */
  lockMatching(connectionId: string, subject: string | null, accountId: string | null): Promise<Grant[]>;
  /** A new row in an empty slot; false where another transaction filled the slot first. */
  insert(id: string, arrival: GrantArrival): Promise<boolean>;
  /** New tokens in a row held by lockSlot: completed, version + 1, failures and revocation forgotten, a running lease left alone. */
  replace(id: string, arrival: GrantArrival): Promise<void>;
  /** A grant that never had a token (client_credentials refused at once), or replaces one: failed, with when to try again. */
  putFailed(
    id: string,
    slot: Omit<GrantSlot, 'organizationId'>,
    failure: { reason: StatusReason; message: string; retryAt: Date | null; now: Date },
  ): Promise<void>;
  /** Tokens gone, version + 1, failed with reason revoked. */
  revoke(id: string, revocation: { by: string; reason: string | null; now: Date }): Promise<void>;
  delete(id: string): Promise<boolean>;
  /** Of every organisation below a connection this organisation owns, those with tokens: what a revocation needs of them. */
  listAllOf(connectionId: string): Promise<Pick<Grant, 'id' | 'organizationId' | 'sealedTokens'>[]>;
  /** Of every organisation below a connection this organisation owns: tokens gone, version + 1, not_connected, configuration_changed. */
  dropAllOf(connectionId: string, now: Date): Promise<number>;
  /** Of every organisation: failed for client_rejected goes back to completed, since the client's secret was replaced. */
  liftClientRejection(connectionId: string, now: Date): Promise<void>;
  /** The most accounts any one organisation and subject holds below a connection this organisation owns. */
  maxAccountsPerSubject(connectionId: string): Promise<number>;
  /** Moves every slot of the connection to the other way of keying. */
  setMultiAccount(connectionId: string, multiAccount: boolean): Promise<void>;
  recordTest(id: string, test: { at: Date; health: Grant['health']; error: string | null }): Promise<void>;
}

export interface AuthorizationReader {
  find(stateHash: string): Promise<{ authorization: Authorization; connectionName: string } | undefined>;
}

export interface AuthorizationWriter extends AuthorizationReader {
  insert(authorization: Authorization): Promise<void>;
  /** Pending trips of this organisation (of that subject; of every subject where undefined) become cancelled; how many. */
  cancelPending(connectionId: string, subject: string | null | undefined, now: Date): Promise<number>;
  /** Pending trips of every organisation below a connection that changed under them. */
  voidAllOf(connectionId: string, now: Date): Promise<number>;
  settle(
    stateHash: string,
    outcome: {
      status: Extract<AuthorizationStatus, 'testing' | 'completed' | 'failed'>;
      reason: StatusReason | null;
      message: string | null;
      connectedAccountId: string | null;
    },
  ): Promise<void>;
}

export interface AuditWriter {
  append(event: Omit<AuditEvent, 'organizationId'>): Promise<void>;
}

/** What one organisation can read. Built for that organisation: a query without one has nowhere to come from. */
export interface Stores {
  connections: ConnectionReader;
  grants: GrantReader;
  authorizations: AuthorizationReader;
}

/** What one organisation can write, inside one transaction. Exists only while that transaction does. */
export interface TransactionStores {
  connections: ConnectionWriter;
  grants: GrantWriter;
  authorizations: AuthorizationWriter;
  audit: AuditWriter;
}

/** The only way to a store. Writing outside a transaction does not compile. */
export interface Database {
  read(organizationId: OrganizationId): Stores;
  /** Commits when `work` resolves, rolls back when it throws. Never call a provider inside. */
  write<T>(organizationId: OrganizationId, work: (stores: TransactionStores) => Promise<T>): Promise<T>;
}
