import { randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Client } from 'pg';
import { inject } from 'vitest';
import { createEnvironmentKeys } from '../../src/crypto/environment-keys.ts';
import { createKeyRing } from '../../src/crypto/key-ring.ts';
import { newId } from '../../src/crypto/tokens.ts';
import type { Cipher } from '../../src/domain/ports/cipher.ts';
import { Secret } from '../../src/domain/secret.ts';
import { createPostgres } from '../../src/postgres/postgres.ts';
import { type Api, type ApiAnswer, createApi } from './broker-api.ts';
import { type BrokerProcess, spawnBroker } from './broker-process.ts';
import { createDataDir, type DataDir } from './data-dir.ts';
import { openTokenGate, type TokenGate } from './fault-gate.ts';
import { stablePort } from './fault-port.ts';
import { type OAuthServer, startOAuthServer } from './oauth-server.ts';
import type { Lifetimes } from './oauth-server-configuration.ts';
import { createTestDatabase } from './postgres.ts';
import { createTestRedis } from './redis.ts';

export interface Service extends BrokerProcess {
  api: Api;
  dataDir: string;
}

export interface StartOptions {
  env?: Record<string, string>;
  /** Shares the folder of an earlier start; one of its own where left out. */
  dataDir?: string;
  port?: number;
  /** How far its clock is ahead of everybody else's. */
  clockOffsetMs?: number;
}

export interface FaultWorld {
  provider: OAuthServer;
  gate: TokenGate;
  dataDirs: DataDir[];
  /** Starts a process of the service and waits until it is ready. */
  start(options?: StartOptions): Promise<Service>;
  /** Starts a process and waits for nothing. */
  spawn(options?: StartOptions): Promise<Service>;
  /** Migrates the database, for processes that do not do it themselves. */
  migrate(): Promise<void>;
  /** Seals and opens as the service does. Once a process has started. */
  openCipher(): Promise<Cipher>;
  sql<Row>(statement: string, values?: unknown[]): Promise<Row[]>;
  /** Ends all processes, and what the world runs on. */
  close(): Promise<void>;
}

export interface WorldOptions {
  /** Of a server of the test's own; a database of the shared one where left out. */
  databaseUrl?: string;
  /** Null: the queue lives in Postgres. Of the shared server where left out. */
  redisUrl?: string | null;
  env?: Record<string, string>;
  lifetimes?: Partial<Lifetimes>;
}

/** What several processes of the service need: one database, one queue, one provider with a gate before it. */
export async function openFaultWorld(options: WorldOptions = {}): Promise<FaultWorld> {
  const stack = new AsyncDisposableStack();
  const provider = await startOAuthServer(options.lifetimes);
  stack.defer(() => provider.stop());
  const gate = await openTokenGate(provider.endpoints.token);
  stack.defer(() => gate.close());
  const databaseUrl = options.databaseUrl ?? (await openDatabase(stack));
  const redisUrl = options.redisUrl === undefined ? await openRedis(stack) : options.redisUrl;
  const adminKey = randomBytes(32).toString('base64url');
  const encryptionKey = randomBytes(32).toString('base64');
  const shared = {
    DATABASE_URL: databaseUrl,
    ...(redisUrl === null ? {} : { REDIS_URL: redisUrl }),
    ENCRYPTION_KEYS: `k1:${encryptionKey}`,
    ADMIN_API_KEY: adminKey,
    ALLOW_PRIVATE_NETWORK: 'true',
    RATE_LIMIT_MAX: '1000000',
    // Processes are started by the hundred: compiling them once is enough. Filled by those that end in order.
    NODE_COMPILE_CACHE: resolve('node_modules/.cache/compiled'),
    ...options.env,
  };
  const dataDirs: DataDir[] = [];
  const services: Service[] = [];
  stack.defer(async () => {
    for (const { remove } of dataDirs) await remove();
  });
  stack.defer(async () => {
    await Promise.all(services.map((service) => service.kill()));
  });

  const world: FaultWorld = {
    provider,
    gate,
    dataDirs,
    spawn: async ({ env = {}, dataDir, port, clockOffsetMs } = {}) => {
      const broker = spawnBroker({
        port: port ?? (await stablePort()),
        dataDir: dataDir ?? newDataDir(dataDirs),
        env: { ...shared, ...clockEnv(clockOffsetMs), ...env },
      });
      const service = { ...broker, api: createApi(broker.url, adminKey), dataDir: dataDir ?? lastOf(dataDirs) };
      services.push(service);
      return service;
    },
    start: async (options) => {
      const service = await world.spawn(options);
      await service.ready();
      return service;
    },
    migrate: async () => {
      const dataDir = newDataDir(dataDirs);
      const migration = spawnBroker({ dataDir, port: await stablePort(), command: 'migrate', env: shared });
      const [code] = await migration.ended;
      if (code !== 0) throw new Error(`migrate ended with ${String(code)}:\n${migration.logs()}`);
    },
    openCipher: () => openCipher(databaseUrl, encryptionKey),
    sql: (statement, values = []) => query(databaseUrl, statement, values),
    close: () => stack.disposeAsync(),
  };
  return world;
}

async function openDatabase(stack: AsyncDisposableStack): Promise<string> {
  const database = await createTestDatabase();
  stack.defer(() => database.drop());
  return database.url;
}

async function openRedis(stack: AsyncDisposableStack): Promise<string | null> {
  if (inject('redisUrl') === null) throw new Error('The fault suite needs Redis.');
  const redis = await createTestRedis();
  stack.defer(() => redis.drop());
  return redis.url;
}

function newDataDir(dataDirs: DataDir[]): string {
  const dataDir = createDataDir();
  dataDirs.push(dataDir);
  return dataDir.path;
}

function lastOf(dataDirs: DataDir[]): string {
  return dataDirs.at(-1)?.path ?? '';
}

function clockEnv(offsetMs: number | undefined): Record<string, string> {
  if (offsetMs === undefined) return {};
  const preload = pathToFileURL(join(import.meta.dirname, 'fault-clock.ts')).href;
  return { NODE_OPTIONS: `--import=${preload}`, FAULT_CLOCK_OFFSET_MS: String(offsetMs) };
}

async function openCipher(databaseUrl: string, encryptionKey: string): Promise<Cipher> {
  const postgres = createPostgres({ connectionString: databaseUrl, poolMax: 1, onError: () => {} });
  try {
    const keyEncryptionKeys = createEnvironmentKeys([{ id: 'k1', key: new Secret(encryptionKey) }]);
    const parts = { keys: postgres.dataKeys, keyEncryptionKeys, newId, clock: () => new Date() };
    return (await createKeyRing(parts)).cipher;
  } finally {
    await postgres.close();
  }
}

async function query<Row>(url: string, statement: string, values: unknown[]): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query(statement, values);
    return rows as Row[];
  } finally {
    await client.end();
  }
}

/** What only time would do: reaches past the service, and tells every process as the service itself would. */
export async function changeGrant({ sql }: Pick<FaultWorld, 'sql'>, id: string, assignment: string): Promise<void> {
  await sql(
    `with changed as (update grants set ${assignment} where id = $1 returning *)
     select pg_notify('grant_changed', json_build_object('grant_id', id, 'connection_id', connection_id,
       'organization_id', organization_id, 'subject', subject)::text) from changed`,
    [id],
  );
}

export interface FaultConnection {
  name: string;
  clientId: string;
  clientSecret: string;
  path: string;
  credential: string;
}

/** A connection to the world's provider by way of the gate; `body` overrides. */
export async function addConnection(
  { provider, gate }: Pick<FaultWorld, 'provider' | 'gate'>,
  { api }: Pick<Service, 'api'>,
  body: Record<string, unknown> = {},
): Promise<FaultConnection> {
  const name = `c-${randomBytes(5).toString('hex')}`;
  const client = await provider.registerClient();
  const answer = await api.post('/connections', {
    connection_name: name,
    client_id: client.clientId,
    client_secret: client.clientSecret,
    authorization_url: provider.endpoints.authorization,
    token_url: gate.url,
    revocation_url: provider.endpoints.revocation,
    scopes: ['openid', 'offline_access'],
    authorize_params: { prompt: 'consent' },
    ...body,
  });
  expectStatus(answer, 201);
  return { name, ...client, path: `/connections/${name}`, credential: `/credentials/${name}` };
}

/** A token set that no server knows, in a connection whose token endpoint is at that URL. */
export async function importForeignGrant(
  world: Pick<FaultWorld, 'provider' | 'gate'>,
  service: Pick<Service, 'api'>,
  { tokenUrl, name, expiresIn = -60 }: { tokenUrl: string; name: string; expiresIn?: number },
): Promise<ImportedGrant & { connection: FaultConnection }> {
  const connection = await addConnection(world, service, { token_url: tokenUrl });
  const tokens = { access_token: `at-${name}`, refresh_token: `rt-${name}` };
  const answer = await service.api.post(`${connection.path}/grants`, {
    ...tokens,
    expires_at: new Date(Date.now() + expiresIn * 1000).toISOString(),
  });
  expectStatus(answer, 201);
  return {
    connection,
    id: answer.body.grant_id,
    accessToken: tokens.access_token,
    refreshToken: tokens.refresh_token,
    path: connection.credential,
  };
}

export interface ImportedGrant {
  id: string;
  accessToken: string;
  refreshToken: string;
  /** Of the credential. */
  path: string;
}

/** A token set of the provider's, of which the broker is told that it expires in so many seconds. */
export async function importGrant(
  { provider }: Pick<FaultWorld, 'provider'>,
  { api }: Pick<Service, 'api'>,
  connection: FaultConnection,
  { expiresIn = -60, subject }: { expiresIn?: number; subject?: string } = {},
): Promise<ImportedGrant> {
  const { accessToken, refreshToken } = await provider.issueTokens(connection.clientId, subject ?? 'somebody');
  const answer = await api.post(`${connection.path}/grants`, {
    access_token: accessToken,
    refresh_token: refreshToken,
    expires_at: new Date(Date.now() + expiresIn * 1000).toISOString(),
    scopes: ['openid', 'offline_access'],
    ...(subject === undefined ? {} : { subject }),
  });
  expectStatus(answer, 201);
  const path = `${connection.credential}${subject === undefined ? '' : `?subject=${subject}`}`;
  return { id: answer.body.grant_id, accessToken, refreshToken, path };
}

function expectStatus(answer: ApiAnswer, status: number): void {
  if (answer.status !== status) throw new Error(`${status} was expected, and came: ${answer.status} ${answer.text}`);
}
