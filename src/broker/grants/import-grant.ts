import type { Actor } from '../../domain/callers/caller.ts';
import type { Database } from '../../domain/ports/stores.ts';
import type { GrantView, ViewGrant } from './grant-view.ts';
import { type ImportedTokens, lockToImportInto, type StoreImported } from './store-imported.ts';
import type { VerifyGrant } from './verify-grant.ts';

/**
 * Imports an existing token set into the slot of its subject and account, and replaces an earlier grant there. A grant
 * that fails its verification stays and shows the failure.
 * Throws connection_not_found, import_not_allowed, invalid_request.
 */
export type ImportGrant = (actor: Actor, name: string, tokens: ImportedTokens) => Promise<GrantView>;

export interface ImportGrantDeps {
  database: Database;
  storeImported: StoreImported;
  verifyGrant: VerifyGrant;
  viewGrant: ViewGrant;
}

export function createImportGrant(deps: ImportGrantDeps): ImportGrant {
  const { database, storeImported, verifyGrant, viewGrant } = deps;

  const store = (actor: Actor, name: string, imported: ImportedTokens) =>
    database.write(actor.organizationId, async (stores) => {
      const connection = await lockToImportInto(stores, actor, name);
      const { slot } = await storeImported(stores, actor, connection, imported);
      const stored = await stores.grants.lockSlot(slot);
      if (stored === undefined) throw new Error('The slot of a grant is empty in the transaction that filled it.');
      return { connection, grant: stored };
    });

  return async (actor, name, imported) => {
    const { connection, grant } = await store(actor, name, imported);
    if (!imported.verify) return viewGrant(grant, connection);
    await verifyGrant(actor, name, grant);
    const verified = await database.read(actor.organizationId).grants.find(connection.id, grant.id);
    return viewGrant(verified ?? grant, connection);
  };
}
