import type { Actor } from '../../domain/callers/caller.ts';
import type { OAuthGateway } from '../../domain/ports/oauth.ts';
import type { Database } from '../../domain/ports/stores.ts';
import { noSuchConnection } from '../no-such-connection.ts';
import { mayRevoke } from '../revocations/send-revocation.ts';
import { type ChangePreview, countEnding, noEffects } from './change-preview.ts';
import type { ViewConnection } from './connection-view.ts';
import { type IfMatch, requireMatch } from './require-match.ts';

/**
 * Plans a deletion and writes nothing. Throws as DeleteConnection does, except dependent_workflows: the effects report
 * it.
 */
export type PreviewDelete = (actor: Actor, name: string, condition?: { ifMatch?: IfMatch }) => Promise<ChangePreview>;

export interface PreviewDeleteDeps {
  database: Database;
  oauth: Pick<OAuthGateway, 'endpoints'>;
  viewConnection: ViewConnection;
  /** False: nothing is revoked at providers. */
  callsTokenEndpoints: boolean;
  clock: () => Date;
}

export function createPreviewDelete(deps: PreviewDeleteDeps): PreviewDelete {
  const { database, oauth, viewConnection, callsTokenEndpoints, clock } = deps;
  return (actor, name, { ifMatch } = {}) =>
    database.write(actor.organizationId, async (stores) => {
      const connection = await stores.connections.lockOwn(name);
      const record = connection && (await stores.connections.findOwn(name));
      if (record === undefined) throw noSuchConnection(name);
      requireMatch(record.connection, ifMatch);
      const { id } = record.connection;
      const held = await stores.grants.listAllOf(id);
      const ending = await countEnding(stores, record.connection, clock());
      const effects = {
        ...noEffects,
        ...ending,
        workflowsDisabled: await stores.workflows.countEnabledDependents(id),
        revokedAtProvider: callsTokenEndpoints && held.some((grant) => mayRevoke(oauth, record.connection, grant)),
      };
      return {
        before: viewConnection(record),
        after: null,
        changesSecret: record.connection.sealedClientSecrets !== null,
        secretFingerprint: null,
        effects,
      };
    });
}
