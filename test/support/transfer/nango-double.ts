import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

type Json = Readonly<Record<string, unknown>>;

export interface NangoConnection {
  connection_id: string;
  provider_config_key: string;
  /** Credentials, or the status of a refusal: 424 if Nango can no longer refresh it. */
  credentials: Json | number;
  end_user?: Json | null;
  tags?: Json;
  connection_config?: Json;
}

export interface NangoDouble {
  url: string;
  key: string;
  integrations: Json[];
  providers: Json[];
  connections: NangoConnection[];
  /** Path and query of each request. */
  requests: string[];
  /** Answers the next requests with 429 and this Retry-After. */
  limitNext(requests: number, retryAfter: string): void;
  /** Whether lists come in pages, as in later versions; without, the parameters are refused. */
  hasPages: boolean;
  close(): Promise<void>;
}

/** Part of each error message. No output may repeat it. */
export const messageSecret = 'secret-in-a-message-77c1';

/** Plays the documented API of Nango: integrations, providers, connections in pages, and their credentials. */
export async function startNangoDouble(): Promise<NangoDouble> {
  let limited = { requests: 0, retryAfter: '0' };
  const server = createServer((request, response) => {
    const { status, body, headers = {} } = answer(request);
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  });
  const double: NangoDouble = {
    url: '',
    key: 'nango-environment-key-0f9b1c',
    integrations: [],
    providers: [],
    connections: [],
    requests: [],
    hasPages: true,
    limitNext(requests, retryAfter) {
      limited = { requests, retryAfter };
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  double.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return double;

  function answer(request: IncomingMessage): Answer {
    const url = new URL(request.url ?? '/', double.url);
    double.requests.push(`${url.pathname}${url.search}`);
    if (request.method !== 'GET') return refusal(405, 'method_not_allowed');
    if (request.headers.authorization !== `Bearer ${double.key}`) return refusal(401, 'unauthorized');
    if (limited.requests > 0) {
      limited.requests--;
      return { ...refusal(429, 'too_many_request'), headers: { 'retry-after': limited.retryAfter } };
    }
    const [, resource = '', id] = url.pathname.split('/').map(decodeURIComponent);
    if (resource === 'connections') return id === undefined ? list(url) : full(id, url);
    if (resource === 'providers') return dataOf(double.providers.find(({ name }) => name === id));
    if (resource !== 'integrations') return refusal(404, 'not_found');
    const withoutCredentials = double.integrations.map(({ credentials: _, ...integration }) => integration);
    if (id === undefined) return dataOf(withoutCredentials);
    const all: Json[] = url.searchParams.get('include') === 'credentials' ? double.integrations : withoutCredentials;
    return dataOf(all.find(({ unique_key: key }) => key === id));
  }

  function list({ searchParams }: URL): Answer {
    if (!double.hasPages && searchParams.size > 0) return refusal(400, 'invalid_query_params');
    const limit = Number(searchParams.get('limit') ?? 10_000);
    const from = Number(searchParams.get('page') ?? 0) * limit;
    const connections = double.connections.slice(from, from + limit).map((connection) => summaryOf(connection));
    return { status: 200, body: { connections } };
  }

  function summaryOf(connection: NangoConnection): Json {
    const { connection_id, provider_config_key, end_user = null, tags = {}, credentials } = connection;
    const id = double.connections.indexOf(connection) + 1;
    const errors = typeof credentials === 'number' ? [{ type: 'auth', log_id: 'log-1' }] : [];
    const provider = double.integrations.find(({ unique_key: key }) => key === provider_config_key)?.provider;
    const created = '2030-01-01T00:00:00.000Z';
    return { id, connection_id, provider_config_key, provider, created, metadata: null, errors, end_user, tags };
  }

  function full(id: string, { searchParams }: URL): Answer {
    const key = searchParams.get('provider_config_key');
    const found = double.connections.find((each) => each.connection_id === id && each.provider_config_key === key);
    if (found === undefined) return refusal(404, 'not_found');
    const { credentials, connection_config = {} } = found;
    if (typeof credentials === 'number') return refusal(credentials, 'refresh_token_external_error');
    const { refresh_token: _, ...withoutRefreshToken } = credentials;
    const shown = searchParams.get('refresh_token') === 'true' ? credentials : withoutRefreshToken;
    return { status: 200, body: { ...summaryOf(found), connection_config, credentials: shown } };
  }
}

interface Answer {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

/** The message of a refused refresh quotes the provider, and so may hold anything. */
function refusal(status: number, code: string): Answer {
  return { status, body: { error: { code, message: messageSecret } } };
}

function dataOf(found: unknown): Answer {
  return found === undefined ? refusal(404, 'not_found') : { status: 200, body: { data: found } };
}
