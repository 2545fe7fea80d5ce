import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { type Browser, createBrowser, type Hop } from '../support/browser/browser.ts';
import { type Api, type ApiResponse, createApi } from '../support/http/broker-api.ts';
import { awaitFirstSweep } from '../support/http/first-sweep.ts';
import { createTestDatabase } from '../support/postgres/database.ts';
import { type BrokerProcess, startBroker } from '../support/processes/broker-process.ts';
import { createDataDir } from '../support/processes/data-dir.ts';
import { type HostileProvider, json, type Reply, startHostileProvider } from '../support/provider/hostile-provider.ts';

/** Part of a running service that a scene needs. */
interface RunningService {
  url: string;
  stop(): Promise<unknown>;
}

/** A running service with its database, and a provider that records every request. */
export interface Scene<Running = BrokerProcess> {
  broker: Running;
  /** URL of the service with its BASE_PATH. */
  url: string;
  env: Record<string, string>;
  dataDir: string;
  adminKey: string;
  api: Api;
  provider: HostileProvider;
  /** Creates an API key with these rights; the default is every permission in the organisation `b`. */
  newKey(rights?: Record<string, unknown>): Promise<{ id: string; key: string; api: Api }>;
  /** Runs one SQL statement on the service's database. */
  rows(statement: string): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

const callerPermissions = ['connections:read', 'connections:write', 'connections:authorize', 'credentials:read'];
export const allPermissions = [...callerPermissions, 'workflows:write', 'admin:read', 'admin:write'];

export function openScene(env: Record<string, string> = {}): Promise<Scene> {
  return openSceneOn(startBroker, env);
}

/** Opens a scene on a service that `start` starts. */
export async function openSceneOn<Running extends RunningService>(
  start: (options: { dataDir: string; env: Record<string, string> }) => Promise<Running>,
  env: Record<string, string> = {},
): Promise<Scene<Running>> {
  const [provider, database] = await Promise.all([startHostileProvider(), createTestDatabase()]);
  scriptCorrectReplies(provider);
  const dataDir = createDataDir();
  const adminKey = env.ADMIN_API_KEY ?? randomBytes(32).toString('base64url');
  const fullEnv: Record<string, string> = {
    DATABASE_URL: database.url,
    ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    ADMIN_API_KEY: adminKey,
    ALLOW_PRIVATE_NETWORK: 'true',
    RATE_LIMIT_MAX: '100000',
    PROVIDER_RETRIES: '0',
    CONFIRM_PAGE: 'never',
    ...env,
  };
  const broker = await start({ dataDir: dataDir.path, env: fullEnv });
  const url = `${broker.url}${fullEnv.BASE_PATH ?? ''}`;
  const api = createApi(url, adminKey);
  await awaitFirstSweep(api);
  return {
    broker,
    url,
    env: fullEnv,
    dataDir: dataDir.path,
    adminKey,
    api,
    provider,
    async newKey(rights = {}) {
      const body = { name: 'a key', permissions: allPermissions, organizations: ['b'], ...rights };
      const { id, key } = expectStatus(await api.post('/admin/api-keys', body), 201).body as unknown as CreatedKey;
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

interface CreatedKey {
  id: string;
  key: string;
}

let issued = 0;

/** Replies with new, numbered tokens on each call. */
export const issueTokens: Reply = (response) => {
  const number = ++issued;
  const tokens = { access_token: `access-${number}`, refresh_token: `refresh-${number}`, expires_in: 3600 };
  json(200, { ...tokens, token_type: 'Bearer' })(response);
};

/** Scripts the replies of a correct provider on every path; replaces earlier scripts. */
export function scriptCorrectReplies(provider: HostileProvider): void {
  provider.script('/token', issueTokens);
  provider.script('/revoke', json(200, {}));
  provider.script('/me', json(200, { sub: 'ada', name: 'Ada' }));
}

export function expectStatus(response: ApiResponse, status: number): ApiResponse {
  if (response.status !== status) throw new Error(`answered ${response.status} instead of ${status}: ${response.text}`);
  return response;
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
  const secret = `secret-${randomBytes(12).toString('hex')}`;
  const requestBody = {
    connection_name: uniqueName(),
    client_id: 'client',
    client_secret: secret,
    authorization_url: `${provider.origin}/authorize`,
    token_url: `${provider.origin}/token`,
    revocation_url: `${provider.origin}/revoke`,
    test_url: `${provider.origin}/me`,
    scopes: ['read'],
    allow_import: organization === undefined,
    ...body,
  };
  const response = expectStatus(await api.post('/connections', requestBody, { organization }), 201);
  const path = `/connections/${requestBody.connection_name}`;
  const redirectUri = response.body.redirect_uri;
  const name = requestBody.connection_name;
  return { name, organization, secret, redirectUri, path, credential: path.replace('connections', 'credentials') };
}

/** An authorization whose link was opened in a browser. */
export interface OpenedAuthorization {
  state: string;
  link: string;
  /** Authorization request at the provider, to which the link redirected. */
  authorizationRequest: URL;
  browser: Browser;
  /** Sends the callback, with a code by default, in the browser that opened the link or in another. */
  sendCallback(parameters?: Record<string, string>, by?: Browser): Promise<Hop>;
}

/** Starts an authorization and opens its link in a new browser. */
export async function openAuthorization(
  { api }: Pick<Scene, 'api'>,
  connection: TestConnection,
  body?: Record<string, unknown>,
  organization = connection.organization,
): Promise<OpenedAuthorization> {
  const response = expectStatus(await api.post(`${connection.path}/authorize`, body, { organization }), 200);
  const { state, authorization_url: link } = response.body;
  const browser = createBrowser();
  const { location } = await browser.send('GET', new URL(link));
  if (location === null) throw new Error('the link did not redirect');
  return {
    state,
    link,
    authorizationRequest: location,
    browser,
    sendCallback: (parameters = { code: `code-${randomBytes(8).toString('hex')}` }, by = browser) =>
      by.send('GET', callbackUrl(connection, { state, ...parameters })),
  };
}

export function callbackUrl({ redirectUri }: TestConnection, parameters: Record<string, string>): URL {
  return new URL(`${redirectUri}?${new URLSearchParams(parameters)}`);
}

/** Completes a whole authorization; throws if the page does not say that the account is connected. */
export async function connect(
  scene: Pick<Scene, 'api'>,
  connection: TestConnection,
  body?: Record<string, unknown>,
  organization = connection.organization,
): Promise<void> {
  const page = await (await openAuthorization(scene, connection, body, organization)).sendCallback();
  if (page.status !== 200 || !page.body.includes('Connected')) throw new Error(`not connected: ${page.body}`);
}

export function tokenRequests({ received }: HostileProvider): number {
  return received.filter(({ path }) => path === '/token').length;
}

/** All text a server received: raw, percent-decoded, and with Basic credentials decoded. */
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
