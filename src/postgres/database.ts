import { Kysely, PostgresDialect } from 'kysely';
import type { OrganizationId } from '../domain/connections/connection.ts';
import type { Database, Stores, TransactionStores } from '../domain/ports/stores.ts';
import { createConsentWriter } from './audit/consent-store.ts';
import { createAuditWriter } from './audit-log.ts';
import { createAuthorizationReader, createAuthorizationWriter } from './authorizations/authorization-store.ts';
import { readableColumns } from './columns.ts';
import { createConnectionReader, createConnectionWriter } from './connections/connection-store.ts';
import { guardPool } from './driver/pool.ts';
import type { ConnectionSource } from './driver/reserved-connection.ts';
import { createGrantReader } from './grants/grant-reader.ts';
import { createGrantWriter } from './grants/grant-writer.ts';
import { createRevocationWriter } from './maintenance/revocation-writer.ts';
import type { NotifyLocally } from './notify/channels.ts';
import { type Notify, notifyingTransaction } from './notify/notifying-transaction.ts';
import type { Tables } from './tables.ts';
import { createWorkflowReader } from './workflows/workflow-reader.ts';
import { createWorkflowWriter } from './workflows/workflow-writer.ts';

/** Transactions name the organisation to the row policies, which hold a role that does not own the tables. */
export function createKysely(pool: ConnectionSource, organizationId: OrganizationId = null): Kysely<Tables> {
  const dialect = new PostgresDialect({ pool: guardPool(pool, organizationId) });
  return new Kysely<Tables>({ dialect, plugins: [readableColumns] });
}

function readers(db: Kysely<Tables>, organizationId: OrganizationId): Stores {
  return {
    connections: createConnectionReader(db, organizationId),
    grants: createGrantReader(db, organizationId),
    authorizations: createAuthorizationReader(db, organizationId),
    workflows: createWorkflowReader(db, organizationId),
  };
}

function writers(db: Kysely<Tables>, notify: Notify, organizationId: OrganizationId): TransactionStores {
  return {
    connections: createConnectionWriter(db, notify, organizationId),
    grants: createGrantWriter(db, notify, organizationId),
    authorizations: createAuthorizationWriter(db, organizationId),
    audit: createAuditWriter(db, organizationId),
    consents: createConsentWriter(db, organizationId),
    revocations: createRevocationWriter(db, organizationId),
    workflows: createWorkflowWriter(db, notify, organizationId),
  };
}

export interface DatabaseDeps {
  /** Reads on any connection of the pool. */
  db: Kysely<Tables>;
  pool: ConnectionSource;
  /** Has a connection of its own, for `writeReserved`. */
  reserved: ConnectionSource;
  notifyLocally: NotifyLocally;
}

export function createDatabase({ db, pool, reserved, notifyLocally }: DatabaseDeps): Database {
  const writeOn =
    (source: ConnectionSource): Database['write'] =>
    (organizationId, work) =>
      notifyingTransaction(createKysely(source, organizationId), notifyLocally, (transaction, notify) =>
        work(writers(transaction, notify, organizationId)),
      );
  return {
    read: (organizationId) => readers(db, organizationId),
    write: writeOn(pool),
    writeReserved: writeOn(reserved),
  };
}
