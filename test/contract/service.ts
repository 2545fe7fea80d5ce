import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { expect } from 'vitest';
import type { Stack } from '../e2e/stack.ts';
import { openWorld, type World } from '../e2e/world.ts';
import { type Api, type ApiAnswer, type ApiCall, createApi } from '../support/broker-api.ts';
import { createDataDir } from '../support/data-dir.ts';
import { type HostileProvider, startHostileProvider } from '../support/hostile-provider.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { type CheckAnswer, createAnswerCheck, type OpenApi } from './documented-answers.ts';

/** A running service as an outside client sees it, in front of a real provider and an odd one. */
export interface Service extends World {
  hostile: HostileProvider;
  document: OpenApi;
  /** Calls with another key; every answer is held against the document. */
  as(key: string, url?: string): Api;
  /** A key with these rights; by default every permission, every organisation and the global scope. */
  newKey(rights?: Record<string, unknown>): Promise<{ id: string; key: string; api: Api }>;
}

export async function openService(env: Record<string, string> = {}): Promise<Service> {
  const world = await openWorld(openPostgres, { LOG_LEVEL: 'info', ...env });
  const hostile = await startHostileProvider();
  const document = (await (await fetch(`${world.broker.url}${env.BASE_PATH ?? ''}/openapi.json`)).json()) as OpenApi;
  const check = createAnswerCheck(document);
  const as = (key: string, url = world.broker.url) => checkedApi(createApi(url, key), check);
  const { close } = world;
  const service: Service = Object.assign(world, {
    hostile,
    document,
    as,
    api: as(world.stack.adminKey()),
    async newKey(rights: Record<string, unknown> = {}) {
      const answer = await service.api.post('/admin/api-keys', { ...everything, name: 'a key', ...rights });
      expect(answer.status, answer.text).toBe(201);
      const { id, key } = answer.body as unknown as { id: string; key: string };
      return { id, key, api: as(key) };
    },
    async close() {
      await hostile.close();
      await close();
    },
  });
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

/** A server of one's own, its queue in Postgres too. */
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

/** The same calls; an answer that its document does not describe fails the test that caused it. */
function checkedApi(api: Api, check: CheckAnswer): Api {
  async function call(method: string, path: string, options?: ApiCall): Promise<ApiAnswer> {
    const answer = await api.call(method, path, options);
    expect(
      check(method, path, answer),
      `${method} ${path} answered ${answer.status} ${answer.text.slice(0, 1000)}`,
    ).toEqual([]);
    return answer;
  }
  return {
    call,
    get: (path, options) => call('GET', path, options),
    post: (path, body, options) => call('POST', path, { ...options, body }),
    patch: (path, body, options) => call('PATCH', path, { ...options, body }),
    delete: (path, options) => call('DELETE', path, options),
  };
}
