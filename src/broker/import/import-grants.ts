import type { Actor, Caller, Trace } from '../../domain/callers/caller.ts';
import type { OrganizationId } from '../../domain/connections/connection.ts';
import type { Cipher } from '../../domain/ports/cipher.ts';
import type { Database } from '../../domain/ports/stores.ts';
import type { StoreImported } from '../grants/store-imported.ts';
import type { VerifyGrant } from '../grants/verify-grant.ts';
import { createImportBatch, type GrantLine, type StoredLine } from './import-batch.ts';
import type { ImportAction, ImportLine, ImportOptions, LineFailure, LineResult } from './import-line.ts';

/** Counts of an import. `done` is false if the import ended before its input did. */
export interface ImportSummary extends Record<ImportAction, number> {
  done: boolean;
  lines: number;
}

/** Lines of one transaction. More would hold the locks of their slots against refreshes for longer than a second. */
const linesPerTransaction = 100;

export interface Import {
  /** Imports lines in their order. Throws service_unavailable; the lines before may have been imported. */
  next: (lines: readonly ImportLine[]) => AsyncIterable<LineResult[]>;
  /** Writes the audit event of the import, unless it was a dry run. Call it once, also after a failure. */
  finish: (isDone: boolean) => Promise<ImportSummary>;
}

/** Starts the import of any number of grants of any organisation. The caller must reach the whole installation. */
export type ImportGrants = (caller: Caller, trace: Trace, options: ImportOptions) => Import;

export interface ImportGrantsDeps {
  database: Database;
  storeImported: StoreImported;
  verifyGrant: VerifyGrant;
  cipher: Cipher;
  clock: () => Date;
}

export function createImportGrants({ database, verifyGrant, clock, ...deps }: ImportGrantsDeps): ImportGrants {
  const importBatch = createImportBatch({ database, ...deps });

  /** Returns whether the grant works after a call to its provider. */
  async function works(actor: Actor, name: string, { connectionId, grantId }: StoredLine): Promise<boolean> {
    if (connectionId === null || grantId === null) return false;
    const { grants } = database.read(actor.organizationId);
    const stored = await grants.find(connectionId, grantId);
    if (stored === undefined) return false;
    await verifyGrant(actor, name, stored);
    const verified = await grants.find(connectionId, grantId);
    return verified?.status === 'completed' && verified.lastError === null && verified.health !== 'unhealthy';
  }

  return (caller, trace, options) => {
    const counts = { created: 0, replaced: 0, unchanged: 0, failed: 0 };
    let lines = 0;
    /** Whether the verified grant of each connection works, by the connection's id. */
    const verified = new Map<string, boolean>();
    const verifies = options.verify && !options.dryRun;
    const connectionIdOf = createConnectionLookup(database);
    const actorOf = (organizationId: OrganizationId): Actor => ({ caller, organizationId, trace });

    async function verifyFirst(line: GrantLine): Promise<LineResult> {
      const actor = actorOf(line.grant.organizationId);
      const [stored] = await importBatch(actor, [line], options);
      if (stored === undefined) throw new Error('A line was imported without a result.');
      if (stored.action === 'failed') return stored;
      const isWorking = await works(actor, line.grant.connectionName, stored);
      if (stored.connectionId !== null) verified.set(stored.connectionId, isWorking);
      return isWorking ? stored : { ...stored, failure: verificationFailed };
    }

    async function isVerified({ grant }: GrantLine): Promise<boolean | undefined> {
      const connectionId = await connectionIdOf(grant);
      return connectionId === undefined ? undefined : verified.get(connectionId);
    }

    /** Imports the longest run of lines from the start that one transaction can take. */
    async function step(rest: readonly ImportLine[]): Promise<LineResult[]> {
      const [first] = rest;
      if (first === undefined) return [];
      if ('failure' in first) return failuresAt(rest);
      const isWorking = verifies ? await isVerified(first) : true;
      if (isWorking === false) return [failed(first.line, verificationFailed)];
      if (isWorking === undefined) return [await verifyFirst(first)];
      const { organizationId } = first.grant;
      const run: GrantLine[] = [];
      for (const each of rest) {
        if ('failure' in each || each.grant.organizationId !== organizationId) break;
        if (verifies && (await isVerified(each)) !== true) break;
        run.push(each);
      }
      return importBatch(actorOf(organizationId), run, options);
    }

    return {
      async *next(batch) {
        for (let at = 0; at < batch.length; ) {
          const results = await step(batch.slice(at, at + linesPerTransaction));
          at += results.length;
          lines += results.length;
          for (const { action } of results) counts[action]++;
          yield results;
        }
      },
      async finish(isDone) {
        if (!options.dryRun) {
          await database.write(null, ({ audit }) =>
            audit.append({
              time: clock(),
              actor: caller.id,
              action: 'grants.imported',
              connectionId: null,
              connectionName: null,
              grantId: null,
              outcome: isDone ? 'success' : 'failure',
              details: { ...counts, lines, replace: options.replace, verify: options.verify },
              ...trace,
            }),
          );
        }
        return { done: isDone, ...counts, lines };
      },
    };
  };
}

const verificationFailed: LineFailure = {
  code: 'verification_failed',
  errors: [{ path: 'connection_name', message: 'The first grant of this connection failed its verification.' }],
};

/** Results of the lines at the start that could not be read. */
function failuresAt(lines: readonly ImportLine[]): LineResult[] {
  const results: LineResult[] = [];
  for (const each of lines) {
    if (!('failure' in each)) break;
    results.push(failed(each.line, each.failure));
  }
  return results;
}

function failed(line: number, failure: LineFailure): LineResult {
  return { line, action: 'failed', grantId: null, failure };
}

/** Names remembered with their connection. Organisations with many names would fill the memory without a bound. */
const maxNames = 10_000;

function createConnectionLookup(database: Database) {
  const ids = new Map<string, string>();
  return async ({ organizationId, connectionName }: GrantLine['grant']): Promise<string | undefined> => {
    const key = `${organizationId ?? ''}/${connectionName}`;
    const known = ids.get(key);
    if (known !== undefined) return known;
    const found = await database.read(organizationId).connections.find(connectionName);
    if (found === undefined) return undefined;
    if (ids.size >= maxNames) ids.clear();
    ids.set(key, found.connection.id);
    return found.connection.id;
  };
}
