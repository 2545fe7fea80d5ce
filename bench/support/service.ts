import { postgresConnectionsMax } from '../../src/jobs/queue/queue-server.ts';
import { type ApiResponse, createApi, type ResponseBody } from '../../test/support/http/broker-api.ts';
import { startBroker } from '../../test/support/processes/broker-process.ts';
import { createDataDir } from '../../test/support/processes/data-dir.ts';

export const organization = 'bench';
/** Connections for requests, in addition to those of the queues on Postgres. */
export const servicePoolMax = 16;

/** Starts the service on its embedded database as a process of its own, and creates a key that may only fetch. */
export async function openService(env: Record<string, string> = {}) {
  await using stack = new AsyncDisposableStack();
  const dataDir = createDataDir();
  stack.defer(() => dataDir.remove());
  const broker = await startBroker({
    dataDir: dataDir.path,
    env: {
      ALLOW_PRIVATE_NETWORK: 'true',
      LOG_LEVEL: 'silent',
      DATABASE_POOL_MAX: String(servicePoolMax + postgresConnectionsMax),
      ...env,
    },
  });
  stack.defer(async () => void (await broker.stop()));
  const api = createApi(broker.url, dataDir.adminKey());

  async function post(path: string, body: object, scope: { organization?: string } = { organization }) {
    return succeed(await api.post(path, body, scope));
  }

  const { key } = await post(
    '/admin/api-keys',
    { name: 'bench', permissions: ['credentials:read'], organizations: [organization], global: false },
    {},
  );
  const owned = stack.move();
  return {
    url: broker.url,
    pid: broker.pid ?? 0,
    dataDir: dataDir.path,
    databaseUrl: dataDir.databaseUrl(),
    adminKey: dataDir.adminKey(),
    fetchHeaders: { authorization: `Bearer ${key}`, 'x-organization-id': organization },
    get: async (path: string) => succeed(await api.get(path, { organization })),
    post,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

export type Service = Awaited<ReturnType<typeof openService>>;

function succeed({ status, body, text }: ApiResponse): ResponseBody {
  if (status >= 300) throw new Error(`the service responded with ${status}: ${text}`);
  return body;
}

/** Adds a client credentials connection with a live token. Returns the id of its grant. */
export async function addLiveConnection(service: Service, name: string, tokenUrl: string): Promise<string> {
  await service.post('/connections', {
    connection_name: name,
    oauth_flow_type: 'client_credentials',
    client_id: 'bench',
    client_secret: 'bench',
    token_url: tokenUrl,
    scopes: ['read', 'write'],
  });
  const { grants } = (await service.get(`/connections/${name}/grants`)) as ResponseBody & {
    grants?: { grant_id: string }[];
  };
  const [grant] = grants ?? [];
  if (grant === undefined) throw new Error(`the connection ${name} got no token`);
  return grant.grant_id;
}

/** Adds a connection with grants whose first fetch must refresh. Returns the path of each fetch. */
export async function addExpiredGrants(service: Service, name: string, tokenUrl: string, count: number) {
  await service.post('/connections', {
    connection_name: name,
    oauth_flow_type: 'refresh_token',
    client_id: 'bench',
    client_secret: 'bench',
    token_url: tokenUrl,
  });
  const paths: string[] = [];
  for (let n = 1; n <= count; n++) {
    const subject = `person-${n}`;
    // A grant imported without an access token counts as expired.
    await service.post(`/connections/${name}/grants`, { refresh_token: `imported-${n}`, subject });
    paths.push(`/credentials/${name}?subject=${subject}`);
  }
  return paths;
}
