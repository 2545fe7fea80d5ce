import type { Actor } from '../../domain/callers/caller.ts';
import type { Connection } from '../../domain/connections/connection.ts';
import { type BrokerError, type Fault, isBrokerError } from '../../domain/errors.ts';
import type { Cipher } from '../../domain/ports/cipher.ts';
import type { Database, TransactionStores } from '../../domain/ports/stores.ts';
import { lockToImportInto, type StoreImported } from '../grants/store-imported.ts';
import { createDecideOnSlot, SlotKept } from './decide-on-slot.ts';
import type { GrantToImport, ImportAction, ImportOptions, LineFailure, LineResult } from './import-line.ts';

export interface GrantLine {
  line: number;
  grant: GrantToImport;
}

/** Result of a line, with the connection it was imported into; null if that is unknown. */
export type StoredLine = LineResult & { connectionId: string | null };

/**
 * Imports lines of one organisation in one transaction. If the transaction fails, each line gets one of its own, so that
 * a line the database refuses fails alone. Throws service_unavailable if the database is away.
 */
export type ImportBatch = (actor: Actor, lines: readonly GrantLine[], options: ImportOptions) => Promise<StoredLine[]>;

export interface ImportBatchDeps {
  database: Database;
  storeImported: StoreImported;
  cipher: Cipher;
}

export function createImportBatch({ database, storeImported, cipher }: ImportBatchDeps): ImportBatch {
  async function importOne(
    stores: TransactionStores,
    actor: Actor,
    { line, grant }: GrantLine,
    lockConnection: (name: string) => Promise<Connection>,
    options: ImportOptions,
  ): Promise<StoredLine> {
    let action: ImportAction = 'failed';
    let connectionId: string | null = null;
    const decide = createDecideOnSlot(cipher, actor.organizationId, options, (decided) => {
      action = decided;
    });
    try {
      const connection = await lockConnection(grant.connectionName);
      connectionId = connection.id;
      const { grantId } = await storeImported(stores, actor, connection, grant.tokens, decide);
      return { line, action, grantId, failure: null, connectionId };
    } catch (error) {
      if (error instanceof SlotKept) return { line, ...kept(error), connectionId };
      // The transaction is lost with its connection to the database, and with any error of a statement.
      if (!isBrokerError(error) || error.code === 'service_unavailable') throw error;
      return { line, action: 'failed', grantId: null, failure: failureOf(error), connectionId };
    }
  }

  const importTogether: ImportBatch = (actor, lines, options) =>
    database.write(actor.organizationId, async (stores) => {
      const locked = new Map<string, Promise<Connection>>();
      const lockConnection = (name: string) => {
        const connection = locked.get(name) ?? lockToImportInto(stores, actor, name);
        locked.set(name, connection);
        return connection;
      };
      const results: StoredLine[] = [];
      for (const each of lines) results.push(await importOne(stores, actor, each, lockConnection, options));
      return results;
    });

  async function importAlone(actor: Actor, line: GrantLine, options: ImportOptions): Promise<StoredLine[]> {
    try {
      return await importTogether(actor, [line], options);
    } catch (error) {
      if (isBrokerError(error, 'service_unavailable')) throw error;
      const failure = { code: 'internal_error', errors: [], cause: error } as const;
      return [
        { line: line.line, action: 'failed', grantId: null, failure: { ...failure, errors: [] }, connectionId: null },
      ];
    }
  }

  return async (actor, lines, options) => {
    try {
      return await importTogether(actor, lines, options);
    } catch {
      // A deadlock with another import, a refused value, or a lost connection: the lines in turn tell which.
      const results: StoredLine[] = [];
      for (const line of lines) results.push(...(await importAlone(actor, line, options)));
      return results;
    }
  };
}

function kept({ action, grantId }: SlotKept): Pick<LineResult, 'action' | 'grantId' | 'failure'> {
  if (action !== 'failed') return { action, grantId, failure: null };
  const errors = [{ path: 'body', message: 'holds other tokens than the working grant; use replace=true' }];
  return { action, grantId, failure: { code: 'grant_exists', errors } };
}

function failureOf(error: BrokerError): LineFailure {
  return { code: error.code, errors: faultsOf(error) };
}

function faultsOf(error: BrokerError): Fault[] {
  if (isBrokerError(error, 'invalid_request')) return error.details.errors;
  return [{ path: 'connection_name', message: error.message }];
}
