import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { type Api, type ApiAnswer, createApi } from '../support/broker-api.ts';
import { type BrokerProcess, startBroker } from '../support/broker-process.ts';
import { type Browser, createBrowser, type Hop } from '../support/browser.ts';
import { createDataDir } from '../support/data-dir.ts';
import { type HostileProvider, json, type Reply, startHostileProvider } from '../support/hostile-provider.ts';
import { createTestDatabase } from '../support/postgres.ts';

/** A running service, a provider that records all it is sent, and a look into the database. */
export interface Scene {
  broker: BrokerProcess;
  /** The service with its BASE_PATH. */
  url: string;
  env: Record<string, string>;
  dataDir: string;
  adminKey: string;
  api: Api;
  provider: HostileProvider;
  /** A caller with exactly these rights; by default every permission within the organisation `b`. */
  newKey(rights?: Record<string, unknown>): Promise<{ id: string; key: string; api: Api }>;
  rows(statement: string): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

const everyPermission = ['connections:read', 'connections:write', 'connections:authorize', 'credentials:read'];
export const allPermissions = [...everyPermission, 'workflows:write', 'admin:read', 'admin:write'];

export async function openScene(env: Record<string, string> = {}): Promise<Scene> {
  const [provider, database] = await Promise.all([startHostileProvider(), createTestDatabase()]);
  obey(provider);
  const dataDir = createDataDir();
  const adminKey = env.ADMIN_API_KEY ?? randomBytes(32).toString('base64url');
  const full: Record<string, string> = {
    DATABASE_URL: database.url,
    ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    ADMIN_API_KEY: adminKey,
    ALLOW_PRIVATE_NETWORK: 'true',
    RATE_LIMIT_MAX: '100000',
    PROVIDER_RETRIES: '0',
    ...env,
  };
  const broker = await startBroker({ dataDir: dataDir.path, env: full });
  const url = `${broker.url}${full.BASE_PATH ?? ''}`;
  const api = createApi(url, adminKey);
  return {
    broker,
    url,
    env: full,
    dataDir: dataDir.path,
    adminKey,
    api,
    provider,
    async newKey(rights = {}) {
      const body = { name: 'a key', permissions: allPermissions, organizations: ['b'], ...rights };
      const { id, key } = expectStatus(await api.post('/admin/api-keys', body), 201).body as unknown as Created;
      return { id, key, api: createApi(url, key) };
    },
    async rows(statement) {
      const client = new Client({ connectionString: database.url });
      await client.connect();
      return client
        .query(statement)
        .then(({ rows }) => rows)
        .finally(() => client.end());
    },
    async close() {
      await broker.stop();
      await provider.close();
      await database.drop();
      await dataDir.remove();
    },
  };
}

interface Created {
  id: string;
  key: string;
}

let issued = 0;

/** Tokens never seen before, each time. */
export const issueTokens: Reply = (response) => {
  const number = ++issued;
  const tokens = { access_token: `access-${number}`, refresh_token: `refresh-${number}`, expires_in: 3600 };
  json(200, { ...tokens, token_type: 'Bearer' })(response);
};

/** Puts a provider back into doing what it should. */
export function obey(provider: HostileProvider): void {
  provider.script('/token', issueTokens);
  provider.script('/revoke', json(200, {}));
  provider.script('/me', json(200, { sub: 'ada', name: 'Ada' }));
}

export function expectStatus(answer: ApiAnswer, status: number): ApiAnswer {
  if (answer.status !== status) throw new Error(`answered ${answer.status} instead of ${status}: ${answer.text}`);
  return answer;
}

export const uniqueName = () => `c-${randomBytes(5).toString('hex')}`;

export interface TestConnection {
  name: string;
  organization: string | undefined;
  secret: string;
  redirectUri: string;
  path: string;
  credential: string;
}

export interface ConnectionOptions {
  organization?: string | undefined;
  body?: Record<string, unknown>;
}

export async function addConnection(
  { api, provider }: Pick<Scene, 'api' | 'provider'>,
  { organization, body = {} }: ConnectionOptions = {},
): Promise<TestConnection> {
  const name = uniqueName();
  const secret = `secret-${randomBytes(12).toString('hex')}`;
  const whole = {
    connection_name: name,
    client_id: 'client',
    client_secret: secret,
    authorization_url: `${provider.origin}/authorize`,
    token_url: `${provider.origin}/token`,
    revocation_url: `${provider.origin}/revoke`,
    test_url: `${provider.origin}/me`,
    scopes: ['read'],
    ...body,
  };
  const answer = expectStatus(await api.post('/connections', whole, { organization }), 201);
  const path = `/connections/${whole.connection_name}`;
  const redirectUri = answer.body.redirect_uri;
  return {
    ...{ name: whole.connection_name, organization, secret, redirectUri },
    ...{ path, credential: path.replace('connections', 'credentials') },
  };
}

export interface Trip {
  state: string;
  link: string;
  /** Where the link sent the browser. */
  authorization: URL;
  browser: Browser;
  /** Comes back in the browser that opened the link, or in another. */
  comeBack(parameters?: Record<string, string>, by?: Browser): Promise<Hop>;
}

/** A link, opened in a browser of its own. */
export async function begin(
  { api }: Pick<Scene, 'api'>,
  connection: TestConnection,
  body?: Record<string, unknown>,
  organization = connection.organization,
): Promise<Trip> {
  const answer = expectStatus(await api.post(`${connection.path}/authorize`, body, { organization }), 200);
  const { state, authorization_url: link } = answer.body;
  const browser = createBrowser();
  const { location } = await browser.send('GET', new URL(link));
  if (location === null) throw new Error('the link leads nowhere');
  return {
    ...{ state, link, authorization: location, browser },
    comeBack: (parameters = { code: `code-${randomBytes(8).toString('hex')}` }, by = browser) =>
      by.send('GET', callbackUrl(connection, { state, ...parameters })),
  };
}

export function callbackUrl({ redirectUri }: TestConnection, parameters: Record<string, string>): URL {
  return new URL(`${redirectUri}?${new URLSearchParams(parameters)}`);
}

export async function connect(
  scene: Scene,
  connection: TestConnection,
  body?: Record<string, unknown>,
  organization = connection.organization,
): Promise<void> {
  const page = await (await begin(scene, connection, body, organization)).comeBack();
  if (page.status !== 200 || !page.body.includes('Connected')) throw new Error(`not connected: ${page.body}`);
}

export function tokenRequests({ received }: HostileProvider): number {
  return received.filter(({ path }) => path === '/token').length;
}

/** Everything a server was ever sent, in a form in which nothing that was in it can hide. */
export function everythingSent({ received }: HostileProvider): string {
  return received
    .flatMap(({ path, query, headers, body }) => [path, query.toString(), JSON.stringify(headers), body])
    .flatMap((text) => [text, decoded(text), ...basicIn(text)])
    .join('\n');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}

function basicIn(text: string): string[] {
  return [...text.matchAll(/Basic ([\w+/=]+)/g)].map(([, value = '']) => Buffer.from(value, 'base64').toString());
}
