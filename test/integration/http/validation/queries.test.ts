import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CredentialRequest } from '../../../../src/broker/credentials/get-credential.ts';
import type { ConnectionFilter } from '../../../../src/domain/ports/connections.ts';
import { createHttpFixture, credential, type HttpFixture } from '../../../support/http/server-fixture.ts';
import { faultPaths } from './fault-paths.ts';

let fixture: HttpFixture;
const fetched: CredentialRequest[] = [];
const filters: ConnectionFilter[] = [];

beforeAll(async () => {
  fixture = await createHttpFixture({
    getCredential: async (_actor, request) => {
      fetched.push(request);
      return credential;
    },
    listConnections: async (_actor, filter) => {
      filters.push(filter);
      return { connections: [], count: 0, nextCursor: null };
    },
  });
});
afterAll(() => fixture.app.close());

test('the query of a credential request reaches the use case', async () => {
  await fixture.call({ url: '/credentials/crm' });
  expect(fetched.at(-1)).toEqual({
    connectionName: 'crm',
    subject: null,
    accountId: null,
    minTtlSeconds: 0,
    requiredScopes: [],
    workflow: null,
  });
  await fixture.call({
    url: '/credentials/crm?subject=u%2F1&account_id=&min_ttl=600&scopes=a,b%20c',
  });
  expect(fetched.at(-1)).toEqual({
    connectionName: 'crm',
    subject: 'u/1',
    accountId: null,
    minTtlSeconds: 600,
    requiredScopes: ['a', 'b', 'c'],
    workflow: null,
  });
});

test('the filters of a list reach the use case, and absent filters do not', async () => {
  await fixture.call({ url: '/connections' });
  expect(filters.at(-1)).toEqual({ includeGlobal: true, limit: 50 });
  await fixture.call({
    url: '/connections?include_global=false&flow=refresh_token&provider=slack&q=x&cursor=c&status=failed&limit=7',
  });
  expect(filters.at(-1)).toEqual({
    includeGlobal: false,
    flow: 'refresh_token',
    provider: 'slack',
    q: 'x',
    cursor: 'c',
    status: 'failed',
    limit: 7,
  });
});

test.each([
  ['/credentials/crm?min_ttl=-1', 'query.min_ttl'],
  ['/credentials/crm?min_ttl=1.5', 'query.min_ttl'],
  ['/credentials/crm?min_ttl=', 'query.min_ttl'],
  ['/credentials/crm?min_ttl=9999999999', 'query.min_ttl'],
  ['/credentials/crm?min_ttl=1&min_ttl=1', 'query.min_ttl'],
  ['/credentials/crm?subject=a&subject=b', 'query.subject'],
  ['/credentials/crm?subject=a%00', 'query.subject'],
  ['/credentials/crm?scopes=a%22', 'query.scopes.0'],
  [`/credentials/${'a'.repeat(101)}`, 'path.name'],
  ['/connections?limit=0', 'query.limit'],
  ['/connections?limit=201', 'query.limit'],
  ['/connections?include_global=yes', 'query.include_global'],
  ['/connections?status=dead', 'query.status'],
  ['/connections?q=%00', 'query.q'],
])('GET %s is refused with a fault at %s', async (url, path) => {
  expect(await faultPaths(fixture, { url })).toEqual([path]);
});

test.each([
  ['DELETE', '/connections/crm/grants/1', 'grant_not_found'],
  ['DELETE', '/admin/api-keys/a%00b', 'not_found'],
  ['GET', '/authorizations/a%00b', 'not_found'],
  ['GET', '/providers/nope', 'not_found'],
] as const)('%s %s with a malformed id or state is answered like an unknown one: %s', async (method, url, code) => {
  expect((await fixture.call({ method, url })).json().code).toBe(code);
});
