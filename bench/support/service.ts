import { postgresConnectionsMax } from '../../src/jobs/queue-server.ts';
import { type AnswerBody, type ApiAnswer, createApi } from '../../test/support/broker-api.ts';
import { startBroker } from '../../test/support/broker-process.ts';
import { createDataDir } from '../../test/support/data-dir.ts';

export const organization = 'bench';
/** What DATABASE_POOL_MAX leaves for requests once the queues on Postgres took theirs. */
export const servicePoolMax = 16;

/** The service on its embedded database, as a process of its own, and a key with only what fetching needs. */
export async function openService() {
  await using stack = new AsyncDisposableStack();
  const dataDir = createDataDir();
  stack.defer(() => dataDir.remove());
  const broker = await startBroker({
    dataDir: dataDir.path,
    env: {
      ALLOW_PRIVATE_NETWORK: 'true',
      LOG_LEVEL: 'silent',
      DATABASE_POOL_MAX: String(servicePoolMax + postgresConnectionsMax),
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
    fetchHeaders: { authorization: `Bearer ${key}`, 'x-organization-id': organization },
    get: async (path: string) => succeed(await api.get(path, { organization })),
    post,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

export type Service = Awaited<ReturnType<typeof openService>>;

function succeed({ status, body, text }: ApiAnswer): AnswerBody {
  if (status >= 300) throw new Error(`the service answered ${status}: ${text}`);
  return body;
}

/** A machine's connection with a live token: what a fetch is served from. Answers with the grant's id. */
export async function addLiveConnection(service: Service, name: string, tokenUrl: string): Promise<string> {
  await service.post('/connections', {
    connection_name: name,
    oauth_flow_type: 'client_credentials',
    client_id: 'bench',
    client_secret: 'bench',
    token_url: tokenUrl,
    scopes: ['read', 'write'],
  });
  const { grants } = (await service.get(`/connections/${name}/grants`)) as AnswerBody & {
    grants?: { grant_id: string }[];
  };
  const [grant] = grants ?? [];
  if (grant === undefined) throw new Error(`the connection ${name} got no token`);
  return grant.grant_id;
}

/** A connection with grants whose first fetch has to refresh. Answers with the path of each fetch. */
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
    // Without an access token a grant is kept expired.
    await service.post(`/connections/${name}/grants`, { refresh_token: `imported-${n}`, subject });
    paths.push(`/credentials/${name}?subject=${subject}`);
  }
  return paths;
}
