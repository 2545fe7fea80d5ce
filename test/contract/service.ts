import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { expect } from 'vitest';
import type { Stack } from '../e2e/stack.ts';
import { openWorld, type World } from '../e2e/world.ts';
import { type Api, type ApiCall, type ApiResponse, createApi } from '../support/http/broker-api.ts';
import { awaitFirstSweep } from '../support/http/first-sweep.ts';
import { createTestDatabase } from '../support/postgres/database.ts';
import { createDataDir } from '../support/processes/data-dir.ts';
import { type HostileProvider, startHostileProvider } from '../support/provider/hostile-provider.ts';
import { type CheckResponse, createResponseCheck, type OpenApi } from './documented-responses.ts';

/** A running service as a client sees it, with a real provider and a scripted one that misbehaves. */
export interface Service extends World {
  hostile: HostileProvider;
  document: OpenApi;
  /** Calls the API with another key. Every response is checked against the document. */
  as(key: string, url?: string): Api;
  /** Creates a key with these rights. Default: every permission, every organisation and the global scope. */
  newKey(rights?: Record<string, unknown>): Promise<{ id: string; key: string; api: Api }>;
}

export async function openService(env: Record<string, string> = {}): Promise<Service> {
  const world = await openWorld(openPostgres, { LOG_LEVEL: 'info', ...env });
  const hostile = await startHostileProvider();
  const document = (await (await fetch(`${world.broker.url}${env.BASE_PATH ?? ''}/openapi.json`)).json()) as OpenApi;
  const check = createResponseCheck(document);
  const as = (key: string, url = world.broker.url) => checkedApi(createApi(url, key), check);
  const { close } = world;
  const service: Service = Object.assign(world, {
    hostile,
    document,
    as,
    api: as(world.stack.adminKey()),
    async newKey(rights: Record<string, unknown> = {}) {
      const response = await service.api.post('/admin/api-keys', { ...everything, name: 'a key', ...rights });
      expect(response.status, response.text).toBe(201);
      const { id, key } = response.body as unknown as { id: string; key: string };
      return { id, key, api: as(key) };
    },
    async close() {
      await hostile.close();
      await close();
    },
  });
  if (env.REFRESH_MODE !== 'off') {
    await awaitFirstSweep(createApi(`${world.broker.url}${env.BASE_PATH ?? ''}`, world.stack.adminKey()));
  }
  return service;
}

export const everyPermission = [
  'connections:read',
  'connections:write',
  'connections:authorize',
  'credentials:read',
  'workflows:write',
  'admin:read',
  'admin:write',
];
const everything = { permissions: everyPermission, organizations: '*', global: true };

export const uniqueName = (prefix = 'c') => `${prefix}-${randomBytes(5).toString('hex')}`;

/** Opens a test database for this service alone. It also holds the queue. */
async function openPostgres(): Promise<Stack> {
  const dataDir = createDataDir();
  const database = await createTestDatabase();
  const adminKey = randomBytes(32).toString('base64url');
  return {
    dataDir: dataDir.path,
    env: {
      DATABASE_URL: database.url,
      ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
      ADMIN_API_KEY: adminKey,
      ALLOWED_RETURN_URLS: 'https://app.example',
    },
    adminKey: () => adminKey,
    async sql(statement) {
      const client = new Client({ connectionString: database.url });
      await client.connect();
      await client.query(statement).finally(() => client.end());
    },
    async remove() {
      await database.drop();
      await dataDir.remove();
    },
  };
}

/** Wraps an API client: a response that the document does not describe fails the test that caused it. */
function checkedApi(api: Api, check: CheckResponse): Api {
  async function call(method: string, path: string, options?: ApiCall): Promise<ApiResponse> {
    const response = await api.call(method, path, options);
    expect(
      check(method, path, response),
      `${method} ${path} returned ${response.status} ${response.text.slice(0, 1000)}`,
    ).toEqual([]);
    return response;
  }
  return {
    call,
    get: (path, options) => call('GET', path, options),
    post: (path, body, options) => call('POST', path, { ...options, body }),
    patch: (path, body, options) => call('PATCH', path, { ...options, body }),
    delete: (path, options) => call('DELETE', path, options),
  };
}
