import type { AuditEvent } from '../../../../src/domain/audit.ts';
import type { Authorization } from '../../../../src/domain/authorization.ts';
import type { Connection, OrganizationId } from '../../../../src/domain/connections/connection.ts';
import type { Consent } from '../../../../src/domain/grants/consent.ts';
import type { Grant } from '../../../../src/domain/grants/grant.ts';
import type { DeletedAuthorization } from '../../../../src/domain/ports/callers.ts';
import type { Workflow, WorkflowState } from '../../../../src/domain/workflows.ts';
import type { MemoryRevocation } from './revocations.ts';

/** Refusals of a connection's client since its last success. */
export interface ClientRefusals {
  refusals: number;
  grantIds: string[];
  pauses: number;
  pausedUntil: Date | null;
  probeUntil: Date | null;
}

export interface MemoryDependency {
  connectionId: string;
  organizationId: OrganizationId;
  workflow: Workflow;
  registeredAt: Date;
  lastAccessedAt: Date;
}

/** Rows are replaced, never changed in place: a copy of the maps is a snapshot. */
export interface MemoryRows {
  connections: Map<string, Connection>;
  grants: Map<string, Grant>;
  /** By id of the grant: the account that is part of its slot; null if the connection has one account. */
  slotAccounts: Map<string, string | null>;
  authorizations: Map<string, Authorization>;
  /** By hash of the state. */
  deletedAuthorizations: Map<string, DeletedAuthorization>;
  /** By id of the connection. */
  clientRefusals: Map<string, ClientRefusals>;
  audit: AuditEvent[];
  consents: Consent[];
  dependencies: MemoryDependency[];
  workflowStates: (WorkflowState & { organizationId: OrganizationId })[];
  revocations: Map<string, MemoryRevocation>;
  /** Sequence of the ids. Like one of a database, it never goes back. */
  lastRevocationId: { value: number };
}

export interface MemoryState {
  /** The committed rows. A commit replaces the maps. */
  rows: MemoryRows;
  /**
   * Runs `work` on a draft of the rows, one work after the other, and commits the draft when it resolves. Work that
   * waits for another write of the same state waits forever.
   */
  write<T>(work: (draft: MemoryRows) => T | Promise<T>): Promise<T>;
  /** Calls the listener with the id of each grant that a commit added, replaced or deleted. */
  onGrantChange(listener: (grantId: string) => void): void;
}

export function createMemoryState(): MemoryState {
  const rows: MemoryRows = {
    connections: new Map(),
    grants: new Map(),
    slotAccounts: new Map(),
    authorizations: new Map(),
    deletedAuthorizations: new Map(),
    clientRefusals: new Map(),
    audit: [],
    consents: [],
    dependencies: [],
    workflowStates: [],
    revocations: new Map(),
    lastRevocationId: { value: 0 },
  };
  const listeners: ((grantId: string) => void)[] = [];
  let last: Promise<unknown> = Promise.resolve();

  async function commit<T>(work: (draft: MemoryRows) => T | Promise<T>): Promise<T> {
    const draft: MemoryRows = {
      connections: new Map(rows.connections),
      grants: new Map(rows.grants),
      slotAccounts: new Map(rows.slotAccounts),
      authorizations: new Map(rows.authorizations),
      deletedAuthorizations: new Map(rows.deletedAuthorizations),
      clientRefusals: new Map(rows.clientRefusals),
      audit: [...rows.audit],
      consents: [...rows.consents],
      dependencies: [...rows.dependencies],
      workflowStates: [...rows.workflowStates],
      revocations: new Map(rows.revocations),
      lastRevocationId: rows.lastRevocationId,
    };
    const result = await work(draft);
    const before = rows.grants;
    Object.assign(rows, draft);
    for (const id of new Set([...before.keys(), ...rows.grants.keys()])) {
      if (before.get(id) !== rows.grants.get(id)) for (const listener of listeners) listener(id);
    }
    return result;
  }

  return {
    rows,
    write: (work) => {
      const next = last.then(() => commit(work));
      last = next.catch(() => undefined);
      return next;
    },
    onGrantChange: (listener) => void listeners.push(listener),
  };
}

/** Rows in order of creation, as the stores list them. */
export function byCreation<T extends { createdAt: Date; id: string }>(rows: Iterable<T>): T[] {
  return [...rows].sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime() || compareText(a.id, b.id));
}

/** Compares by code units: the order of the collation "C" for the names and ids in use. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
