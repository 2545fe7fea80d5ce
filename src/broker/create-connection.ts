import type { Actor } from '../domain/caller.ts';
import type { Connection } from '../domain/connection.ts';
import type { Cipher } from '../domain/ports/cipher.ts';
import type { Database } from '../domain/ports/stores.ts';
import type { NewId } from '../domain/ports/tokens.ts';
import type { Secret } from '../domain/secret.ts';
import { eventOf } from './audit-event.ts';
import type { CheckSettings, WrittenSettings } from './check-settings.ts';
import type { ConnectionView, ViewConnection } from './connection-view.ts';
import { noSuchConnection } from './no-such-connection.ts';
import type { ObtainClientCredentials } from './obtain-client-credentials.ts';
import { sealClientSecrets } from './sealing.ts';

export interface NewConnection {
  name: string;
  clientSecret: Secret | null;
  settings: WrittenSettings;
}

/** Throws invalid_request, connection_exists. A client_credentials connection fetches its first token before this answers. */
export type CreateConnection = (actor: Actor, input: NewConnection) => Promise<ConnectionView>;

export interface CreateConnectionDeps {
  database: Database;
  checkSettings: CheckSettings;
  obtainClientCredentials: ObtainClientCredentials;
  viewConnection: ViewConnection;
  cipher: Cipher;
  newId: NewId;
  clock: () => Date;
}

export function createCreateConnection(deps: CreateConnectionDeps): CreateConnection {
  const { database, checkSettings, obtainClientCredentials, viewConnection, cipher, newId, clock } = deps;
  return async (actor, { name, clientSecret, settings }) => {
    const owner = { id: newId(), organizationId: actor.organizationId };
    const now = clock();
    const connection: Connection = {
      ...owner,
      name,
      settings: checkSettings(settings, clientSecret),
      sealedClientSecrets: sealClientSecrets(cipher, owner, clientSecret === null ? [] : [clientSecret]),
      configVersion: 1,
      revision: 1,
      createdBy: actor.caller.id,
      createdAt: now,
      updatedAt: now,
    };
    await database.write(actor.organizationId, async ({ connections, audit }) => {
      await connections.insert(connection);
      const { provider, flow } = connection.settings;
      await audit.append(
        eventOf(actor, now, { action: 'connection.created', connection, details: { provider, flow } }),
      );
    });
    if (connection.settings.flow === 'client_credentials') await obtainClientCredentials(actor, connection);

    const record = await database.read(actor.organizationId).connections.findOwn(name);
    if (record === undefined) throw noSuchConnection(name);
    return viewConnection(record);
  };
}
