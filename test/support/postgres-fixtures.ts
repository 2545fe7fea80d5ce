import { randomBytes } from 'node:crypto';
import { v7 } from 'uuid';
import type { AuditEvent } from '../../src/domain/audit.ts';
import type { Authorization } from '../../src/domain/authorization.ts';
import type { Connection, ConnectionSettings, OrganizationId } from '../../src/domain/connection.ts';
import type { TokenFacts } from '../../src/domain/grant.ts';
import type { GrantArrival, StoredTokens } from '../../src/domain/ports/stores.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { createPostgres, type Postgres } from '../../src/postgres/postgres.ts';
import { createTestDatabase } from './postgres.ts';

export interface TestStores extends Postgres {
  url: string;
  end(): Promise<void>;
}

/** The stores on a migrated database of their own. */
export async function openTestStores(): Promise<TestStores> {
  const { url, drop } = await createTestDatabase();
  await migrate(url);
  const postgres = createPostgres({ connectionString: url, poolMax: 10, onError: () => {} });
  return {
    ...postgres,
    url,
    end: async () => {
      await postgres.close();
      await drop();
    },
  };
}

export function minutesFromNow(minutes: number): Date {
  return new Date(Date.now() + minutes * 60_000);
}

export function aConnection(
  organizationId: OrganizationId,
  name: string,
  settings: Partial<ConnectionSettings> = {},
): Connection {
  const now = new Date();
  return {
    id: v7(),
    organizationId,
    name,
    settings: {
      provider: 'generic',
      flow: 'authorization_code',
      clientId: 'client',
      authorizationUrl: 'https://provider.example/authorize',
      tokenUrl: 'https://provider.example/token',
      revocationUrl: null,
      testUrl: null,
      tokenAuthMethod: null,
      variables: { tenant: 'one' },
      scopes: ['read', 'write'],
      authorizeParams: { audience: 'api' },
      tokenParams: {},
      multiAccount: false,
      shareWithOrganizations: true,
      description: null,
      ...settings,
    },
    sealedClientSecrets: randomBytes(16),
    configVersion: 1,
    revision: 1,
    createdBy: 'bootstrap',
    createdAt: now,
    updatedAt: now,
  };
}

export function tokensUntil(expiresAt: Date | null, facts: Partial<TokenFacts> = {}): StoredTokens {
  return {
    sealed: randomBytes(32),
    facts: {
      expiresAt,
      refreshExpiresAt: null,
      obtainedAt: minutesFromNow(-60),
      lifetimeSeconds: 3600,
      refreshable: true,
      scopes: ['read'],
      ...facts,
    },
  };
}

export function anArrival(
  connection: Connection,
  changes: Partial<GrantArrival> & { subject?: string; accountId?: string } = {},
): GrantArrival {
  const { subject = null, accountId = null, ...rest } = changes;
  return {
    slot: { connectionId: connection.id, subject, accountId },
    multiAccount: connection.settings.multiAccount,
    accountName: null,
    tokens: tokensUntil(minutesFromNow(60)),
    requestedScopes: ['read'],
    testedAt: null,
    now: new Date(),
    ...rest,
  };
}

export function aTrip(connection: Connection, changes: Partial<Authorization> = {}): Authorization {
  return {
    stateHash: randomBytes(32).toString('base64url'),
    connectionId: connection.id,
    configVersion: connection.configVersion,
    organizationId: connection.organizationId,
    subject: null,
    accountId: null,
    allowAccountChange: false,
    scopes: ['read'],
    loginHint: null,
    prompt: null,
    returnUrl: null,
    redirectUri: 'https://broker.example/callback/x',
    sealedVerifier: randomBytes(16),
    browserHash: null,
    status: 'pending',
    statusReason: null,
    statusMessage: null,
    connectedAccountId: null,
    createdBy: 'bootstrap',
    createdAt: new Date(),
    expiresAt: minutesFromNow(15),
    ...changes,
  };
}

export function anEvent(connection: Connection, grantId: string): AuditEvent {
  return {
    time: new Date(),
    actor: 'broker',
    action: 'grant.refreshed',
    organizationId: connection.organizationId,
    connectionId: connection.id,
    connectionName: connection.name,
    grantId,
    outcome: 'success',
    details: {},
    requestId: null,
    address: null,
  };
}

export async function storeConnection(stores: Postgres, connection: Connection): Promise<Connection> {
  await stores.database.write(connection.organizationId, ({ connections }) => connections.insert(connection));
  return connection;
}

/** A completed grant owned by that organisation; answers its id. */
export async function storeGrant(
  stores: Postgres,
  owner: OrganizationId,
  connection: Connection,
  changes: Parameters<typeof anArrival>[1] = {},
): Promise<string> {
  const id = v7();
  await stores.database.write(owner, ({ grants }) => grants.insert(id, anArrival(connection, changes)));
  return id;
}
