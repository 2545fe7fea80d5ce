import type { Actor } from '../../domain/callers/caller.ts';
import type { Connection } from '../../domain/connections/connection.ts';
import { originsOf } from '../../domain/connections/url-origins.ts';
import { BrokerError } from '../../domain/errors.ts';
import type { Cipher } from '../../domain/ports/cipher.ts';
import type { SecretFingerprints } from '../../domain/ports/client-secrets.ts';
import type { Database, TransactionStores } from '../../domain/ports/stores.ts';
import type { NewId } from '../../domain/ports/tokens.ts';
import type { Secret } from '../../domain/secret.ts';
import { eventOf } from '../audit-event.ts';
import { noSuchConnection } from '../no-such-connection.ts';
import { sealClientSecrets } from '../sealing.ts';
import { type ChangePreview, newRecord, noEffects } from './change-preview.ts';
import type { CheckSettings, WrittenSettings } from './check-settings.ts';
import type { ConnectionView, ViewConnection } from './connection-view.ts';
import type { ObtainClientCredentials } from './obtain-client-credentials.ts';

export interface NewConnection {
  name: string;
  clientSecret: Secret | null;
  settings: WrittenSettings;
}

/** Creates a connection; client_credentials also obtains its first token. Throws invalid_request, connection_exists. */
export type CreateConnection = (actor: Actor, input: NewConnection) => Promise<ConnectionView>;

/** Plans a connection and writes nothing. Throws as CreateConnection does. */
export type PreviewCreate = (actor: Actor, input: NewConnection) => Promise<ChangePreview>;

export interface CreateConnectionDeps {
  database: Database;
  checkSettings: CheckSettings;
  obtainClientCredentials: ObtainClientCredentials;
  viewConnection: ViewConnection;
  cipher: Cipher;
  fingerprints: SecretFingerprints;
  newId: NewId;
  clock: () => Date;
}

export function createCreateConnection(deps: CreateConnectionDeps): CreateConnection {
  const { database, obtainClientCredentials, viewConnection } = deps;
  return async (actor, input) => {
    const connection = await database.write(actor.organizationId, async (stores) => {
      if (input.settings.managedBy !== null) await stores.connections.queueApplication();
      const planned = await planNew(deps, stores, actor, input);
      // Refuses a name that another transaction has taken since the plan.
      await stores.connections.insert(planned);
      const { provider, flow } = planned.settings;
      const details = { provider, flow };
      const event = { action: 'connection.created', connection: planned, details } as const;
      await stores.audit.append(eventOf(actor, planned.createdAt, event));
      return planned;
    });
    if (connection.settings.flow === 'client_credentials') await obtainClientCredentials(actor, connection);

    const record = await database.read(actor.organizationId).connections.findOwn(connection.name);
    if (record === undefined) throw noSuchConnection(connection.name);
    return viewConnection(record);
  };
}

export function createPreviewCreate(deps: CreateConnectionDeps): PreviewCreate {
  const { database, viewConnection } = deps;
  return async (actor, input) => {
    const connection = await database.write(actor.organizationId, (stores) => planNew(deps, stores, actor, input));
    const after = viewConnection(newRecord(connection));
    const changesSecret = input.clientSecret !== null;
    return {
      before: null,
      after,
      changesSecret,
      secretFingerprint: connection.clientSecretFingerprint,
      effects: noEffects,
    };
  };
}

/** Checks and completes a new connection: every rule that a dry run and the creation itself share. */
async function planNew(
  { checkSettings, cipher, fingerprints, newId, clock }: CreateConnectionDeps,
  { connections }: TransactionStores,
  actor: Actor,
  { name, clientSecret, settings: written }: NewConnection,
): Promise<Connection> {
  const owner = { id: newId(), organizationId: actor.organizationId };
  const now = clock();
  const settings = checkSettings(written, clientSecret);
  if ((await connections.findOwn(name)) !== undefined) {
    throw BrokerError.of('connection_exists', `A connection named ${name} exists already.`);
  }
  const secretOrigins = originsOf(settings);
  const address = { ...owner, settings, secretOrigins };
  return {
    ...owner,
    name,
    settings,
    sealedClientSecrets: sealClientSecrets(cipher, address, clientSecret === null ? [] : [clientSecret]),
    clientSecretFingerprint: clientSecret && fingerprints.of(clientSecret, { ...owner, name }),
    clientSecretRefusedAt: null,
    secretOrigins,
    configVersion: 1,
    revision: 1,
    appliedRevision: settings.managedBy === null ? null : 1,
    createdBy: actor.caller.id,
    createdAt: now,
    updatedAt: now,
  };
}
