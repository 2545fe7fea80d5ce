import type { Authorization, SettledAuthorization, WaitingTokens } from '../authorization.ts';
import type { OrganizationId } from '../connections/connection.ts';
import type { AuditWriter, ConsentWriter } from './audit.ts';
import type { ConnectionReader, ConnectionWriter } from './connections.ts';
import type { GrantReader, GrantWriter } from './grants.ts';
import type { RevocationWriter } from './maintenance/revocations.ts';
import type { WorkflowReader, WorkflowWriter } from './workflows.ts';

export interface AuthorizationAndName {
  authorization: Authorization;
  connectionName: string;
}

export interface AuthorizationReader {
  find(stateHash: string): Promise<AuthorizationAndName | undefined>;
  /** Finds an authorization with a binding by its public id. */
  findBound(authorizationId: string): Promise<AuthorizationAndName | undefined>;
}

export interface AuthorizationWriter extends AuthorizationReader {
  insert(authorization: Authorization): Promise<void>;
  /**
   * Cancels this organisation's pending and waiting authorizations of a subject, or of every subject if undefined. Forgets
   * waiting tokens. Returns their number.
   */
  cancelPending(connectionId: string, subject: string | null | undefined, now: Date): Promise<number>;
  /**
   * Voids the pending and waiting authorizations of every organisation after the connection changed. Forgets waiting
   * tokens. Returns their number.
   */
  voidAllOf(connectionId: string, now: Date): Promise<number>;
  /** Counts the pending and waiting authorizations of every organisation, below a connection that this organisation owns. */
  countPendingOf(connectionId: string, now: Date): Promise<number>;
  /** Settles an authorization whose callback is being served. A final status never changes. */
  settle(stateHash: string, outcome: SettledAuthorization): Promise<void>;
  /** Lets an authorization wait for its confirmation. Returns false unless its callback is being served. */
  wait(stateHash: string, waiting: WaitingTokens): Promise<boolean>;
  /** Locks an authorization until the transaction ends. The caller locks its connection first, as edits do. */
  lock(stateHash: string): Promise<Authorization | undefined>;
  /** Locks this organisation's authorizations with waiting tokens, of a subject or of every subject if undefined. */
  lockWaiting(connectionId: string, subject: string | null | undefined): Promise<Authorization[]>;
  /** Locks those of every organisation, below a connection that this organisation owns. */
  lockAllWaiting(connectionId: string): Promise<Authorization[]>;
  /** Settles a waiting authorization, and forgets its tokens. Returns false if it waits no more. */
  endWait(stateHash: string, outcome: SettledAuthorization): Promise<boolean>;
  /** Forgets the tokens of an authorization whose wait has ended. Its status still follows from the clock. */
  forgetTokens(stateHash: string): Promise<void>;
}

/** Stores that one organisation reads. They are built for that organisation, so no query can omit it. */
export interface Stores {
  connections: ConnectionReader;
  grants: GrantReader;
  authorizations: AuthorizationReader;
  workflows: WorkflowReader;
}

/** Stores that one organisation writes inside one transaction. They exist only during that transaction. */
export interface TransactionStores {
  connections: ConnectionWriter;
  grants: GrantWriter;
  authorizations: AuthorizationWriter;
  audit: AuditWriter;
  consents: ConsentWriter;
  revocations: RevocationWriter;
  workflows: WorkflowWriter;
}

/** The only access to the stores. A write outside a transaction does not compile. */
export interface Database {
  read(organizationId: OrganizationId): Stores;
  /** Commits when `work` resolves and rolls back when it throws. `work` must not call a provider. */
  write<T>(organizationId: OrganizationId, work: (stores: TransactionStores) => Promise<T>): Promise<T>;
  /** Like `write`, on a reserved connection while all others are in use. For revocation and deletion. */
  writeReserved<T>(organizationId: OrganizationId, work: (stores: TransactionStores) => Promise<T>): Promise<T>;
}
