import { Kysely, PostgresDialect } from 'kysely';
import type pg from 'pg';
import type { OrganizationId } from '../domain/connection.ts';
import type { Database, Stores, TransactionStores } from '../domain/ports/stores.ts';
import { type Announce, announcingTransaction } from './announcing-transaction.ts';
import { createAuditWriter } from './audit-log.ts';
import { createAuthorizationReader, createAuthorizationWriter } from './authorization-store.ts';
import type { Deliver } from './channels.ts';
import { createConnectionReader, createConnectionWriter } from './connection-store.ts';
import { createGrantReader } from './grant-reader.ts';
import { createGrantWriter } from './grant-writer.ts';
import { guardPool } from './pool.ts';
import type { Tables } from './tables.ts';

export function createKysely(pool: pg.Pool): Kysely<Tables> {
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool: guardPool(pool) }) });
}

function readers(db: Kysely<Tables>, organizationId: OrganizationId): Stores {
  return {
    connections: createConnectionReader(db, organizationId),
    grants: createGrantReader(db, organizationId),
    authorizations: createAuthorizationReader(db, organizationId),
  };
}

function writers(db: Kysely<Tables>, announce: Announce, organizationId: OrganizationId): TransactionStores {
  return {
    connections: createConnectionWriter(db, announce, organizationId),
    grants: createGrantWriter(db, announce, organizationId),
    authorizations: createAuthorizationWriter(db, organizationId),
    audit: createAuditWriter(db, organizationId),
  };
}

export function createDatabase(db: Kysely<Tables>, deliver: Deliver): Database {
  return {
    read: (organizationId) => readers(db, organizationId),
    write: (organizationId, work) =>
      announcingTransaction(db, deliver, (transaction, announce) =>
        work(writers(transaction, announce, organizationId)),
      ),
  };
}
