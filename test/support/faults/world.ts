import { randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { Client } from 'pg';
import { inject } from 'vitest';
import { createEnvironmentKeys } from '../../../src/crypto/environment-keys.ts';
import { createKeyRing } from '../../../src/crypto/key-ring.ts';
import { newId } from '../../../src/crypto/tokens.ts';
import type { Cipher } from '../../../src/domain/ports/cipher.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { createPostgres } from '../../../src/postgres/postgres.ts';
import { type Api, type ApiResponse, createApi } from '../http/broker-api.ts';
import type { Lifetimes } from '../oauth-server/configuration.ts';
import { type OAuthServer, startOAuthServer } from '../oauth-server/server.ts';
import { createTestDatabase } from '../postgres/database.ts';
import { startPgBouncer } from '../postgres/pgbouncer.ts';
import { type BrokerProcess, spawnBroker } from '../processes/broker-process.ts';
import { createDataDir, type DataDir } from '../processes/data-dir.ts';
import { createTestRedis } from '../redis/database.ts';
import { openTokenGate, type TokenGate } from './gate.ts';
import { stablePort } from './port.ts';

export interface Service extends BrokerProcess {
  api: Api;
  dataDir: string;
}

export interface StartOptions {
  env?: Record<string, string>;
  /** The folder of an earlier start. Defaults to a new one. */
  dataDir?: string;
  port?: number;
  /** Milliseconds by which its clock is ahead of the clock of other processes. */
  clockOffsetMs?: number;
}

export interface FaultWorld {
  provider: OAuthServer;
  gate: TokenGate;
  dataDirs: DataDir[];
  databaseUrl: string;
  /** Starts a process of the service and waits until it is ready. */
  start(options?: StartOptions): Promise<Service>;
  /** Starts a process and returns before it is ready. */
  spawn(options?: StartOptions): Promise<Service>;
  /** Migrates the database, for processes that do not migrate it at start. */
  migrate(): Promise<void>;
  /** Opens the service's cipher. Needs a process to have started once. */
  openCipher(): Promise<Cipher>;
  sql<Row>(statement: string, values?: unknown[]): Promise<Row[]>;
  /** Ends all processes, the provider and the servers. */
  close(): Promise<void>;
}

export interface WorldOptions {
  /** Defaults to a new database of the shared server. */
  databaseUrl?: string;
  /** Null puts the queue into Postgres. Defaults to a new database of the shared server. */
  redisUrl?: string | null;
  /** Puts a transaction pooler between the service and the database. FAULT_POOLER=pgbouncer does so everywhere. */
  pooled?: boolean;
  env?: Record<string, string>;
  lifetimes?: Partial<Lifetimes>;
}

/** Opens the surroundings of several processes: one database, one queue, one provider behind a gate. */
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
  const { pooled = process.env.FAULT_POOLER === 'pgbouncer' } = options;
  const shared = {
    DATABASE_URL: databaseUrl,
    ...(pooled && { DATABASE_URL: await openPooler(stack, databaseUrl), DATABASE_LISTEN_URL: databaseUrl }),
    ...(redisUrl === null ? {} : { REDIS_URL: redisUrl }),
    ENCRYPTION_KEYS: `k1:${encryptionKey}`,
    ADMIN_API_KEY: adminKey,
    ALLOW_PRIVATE_NETWORK: 'true',
    RATE_LIMIT_MAX: '1000000',
    // Hundreds of processes start: the cache saves compiling each time. Processes that end in order fill it.
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
    databaseUrl,
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

async function openPooler(stack: AsyncDisposableStack, databaseUrl: string): Promise<string> {
  const pooler = await startPgBouncer(databaseUrl);
  stack.defer(() => pooler.remove());
  return pooler.url;
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
  const preload = pathToFileURL(join(import.meta.dirname, 'clock.ts')).href;
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

/** Changes a grant in the database, as time would, and notifies every process as the service does. */
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

/** Creates a connection to the provider through the gate. `body` overrides members of the request. */
export async function addConnection(
  { provider, gate }: Pick<FaultWorld, 'provider' | 'gate'>,
  { api }: Pick<Service, 'api'>,
  body: Record<string, unknown> = {},
): Promise<FaultConnection> {
  const name = `c-${randomBytes(5).toString('hex')}`;
  const client = await provider.registerClient();
  const response = await api.post('/connections', {
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
  expectStatus(response, 201);
  return { name, ...client, path: `/connections/${name}`, credential: `/credentials/${name}` };
}

/** Imports a token set that no server issued, below a new connection with that token endpoint. */
export async function importForeignGrant(
  world: Pick<FaultWorld, 'provider' | 'gate'>,
  service: Pick<Service, 'api'>,
  { tokenUrl, name, expiresIn = -60 }: { tokenUrl: string; name: string; expiresIn?: number },
): Promise<ImportedGrant & { connection: FaultConnection }> {
  const connection = await addConnection(world, service, { token_url: tokenUrl });
  const tokens = { access_token: `at-${name}`, refresh_token: `rt-${name}` };
  const response = await service.api.post(`${connection.path}/grants`, {
    ...tokens,
    expires_at: new Date(Date.now() + expiresIn * 1000).toISOString(),
  });
  expectStatus(response, 201);
  return {
    connection,
    id: response.body.grant_id,
    accessToken: tokens.access_token,
    refreshToken: tokens.refresh_token,
    path: connection.credential,
  };
}

export interface ImportedGrant {
  id: string;
  accessToken: string;
  refreshToken: string;
  /** Path of the credential. */
  path: string;
}

/** Imports a token set that the provider issued. `expiresIn` is the lifetime in seconds that the broker learns. */
export async function importGrant(
  { provider }: Pick<FaultWorld, 'provider'>,
  { api }: Pick<Service, 'api'>,
  connection: FaultConnection,
  { expiresIn = -60, subject }: { expiresIn?: number; subject?: string } = {},
): Promise<ImportedGrant> {
  const { accessToken, refreshToken } = await provider.issueTokens(connection.clientId, subject ?? 'person');
  const response = await api.post(`${connection.path}/grants`, {
    access_token: accessToken,
    refresh_token: refreshToken,
    expires_at: new Date(Date.now() + expiresIn * 1000).toISOString(),
    scopes: ['openid', 'offline_access'],
    ...(subject === undefined ? {} : { subject }),
  });
  expectStatus(response, 201);
  const path = `${connection.credential}${subject === undefined ? '' : `?subject=${subject}`}`;
  return { id: response.body.grant_id, accessToken, refreshToken, path };
}

function expectStatus(response: ApiResponse, status: number): void {
  if (response.status !== status) throw new Error(`expected ${status}, received ${response.status} ${response.text}`);
}
