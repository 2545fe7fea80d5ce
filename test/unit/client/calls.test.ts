import { expect, test } from 'vitest';
import { createTokenBroker, type TokenBrokerOptions } from '../../../src/client/token-broker.ts';
import { createFetchDouble, credentialOf, respond } from '../../support/client/fetch-double.ts';

function open(options: Partial<TokenBrokerOptions> = {}) {
  const double = createFetchDouble(respond(200, credentialOf(3600)));
  const broker = createTokenBroker({ url: 'https://b.example/api/', key: 'the-key', fetch: double.fetch, ...options });
  return { broker, calls: double.calls, double };
}
const sent = ({ calls }: ReturnType<typeof open>) => calls.map(({ method, url }) => `${method} ${url}`);

test('a fetch sends every option under the name of the API, below the base path', async () => {
  const opened = open({ organization: 'acme' });
  const workflow = { id: 'w1', name: 'Größe' };
  await opened.broker.credential('crm', { subject: 'a&b', accountId: '7', minTtl: 60, scopes: ['b', 'a'], workflow });
  expect(sent(opened)).toEqual([
    'GET https://b.example/api/credentials/crm?subject=a%26b&account_id=7&min_ttl=60&scopes=a%2Cb',
  ]);
  const headers = opened.calls[0]?.headers;
  expect(headers?.get('authorization')).toBe('Bearer the-key');
  expect(headers?.get('x-organization-id')).toBe('acme');
  expect(headers?.get('x-workflow-id')).toBe('w1');
  expect(Buffer.from(headers?.get('x-workflow-name') ?? '', 'latin1').toString('utf8')).toBe('Größe');
});

test('without options a fetch sends none', async () => {
  const opened = open();
  await opened.broker.credential('crm');
  expect(sent(opened)).toEqual(['GET https://b.example/api/credentials/crm']);
  expect(opened.calls[0]?.headers.has('x-organization-id')).toBe(false);
});

test('each method calls its route', async () => {
  const opened = open();
  const { broker } = opened;
  const { connections } = broker;
  await connections.list({ q: 'x', include_global: false });
  await connections.get('crm');
  await connections.create({ connection_name: 'crm', client_id: 'c' });
  await connections.edit('crm', { description: null }, { ifMatch: '"1"', confirmDisconnect: true });
  await connections.replace('crm', { client_id: 'c' });
  await connections.delete('crm', { confirmDisableWorkflows: true, ifMatch: '"2"' });
  await connections.preview.create({ connection_name: 'crm', client_id: 'c' });
  await connections.preview.edit('crm', {});
  await connections.preview.replace('crm', { client_id: 'c' });
  await connections.preview.delete('crm');
  await connections.cancel('crm');
  await connections.test('crm', { subject: 's' });
  await connections.refresh('crm');
  await connections.revoke('crm', { reason: 'left' });
  await connections.listGrants('crm', { limit: 2 });
  await connections.getGrant('crm', 'g1');
  await connections.importGrant('crm', { access_token: 't' });
  await connections.deleteGrant('crm', 'g1');
  await broker.authorize('crm', { subject: 's' });
  await broker.confirm('a1', { binding_verifier: 'v', confirmation_code: 'c' });
  await broker.explain('crm', { subject: 's' });
  await broker.renew('crm', 'old', { subject: 's' });
  await broker.request('GET', '/admin/stats', { query: { a: null, b: ['x', 'y'] } });
  expect(sent(opened).map((line) => line.replace('https://b.example/api', ''))).toEqual([
    'GET /connections?q=x&include_global=false',
    'GET /connections/crm',
    'POST /connections',
    'PATCH /connections/crm?confirm_disconnect=true',
    'PUT /connections/crm',
    'DELETE /connections/crm?confirm_disable_workflows=true',
    'POST /connections?dry_run=true',
    'PATCH /connections/crm?dry_run=true',
    'PUT /connections/crm?dry_run=true',
    'DELETE /connections/crm?dry_run=true',
    'POST /connections/crm/cancel',
    'POST /connections/crm/test',
    'POST /connections/crm/refresh',
    'POST /connections/crm/revoke',
    'GET /connections/crm/grants?limit=2',
    'GET /connections/crm/grants/g1',
    'POST /connections/crm/grants',
    'DELETE /connections/crm/grants/g1',
    'POST /connections/crm/authorize',
    'POST /authorizations/a1/confirm',
    'GET /credentials/crm/explain?subject=s',
    'POST /credentials/crm/renew',
    'GET /admin/stats?b=x%2Cy',
  ]);
  expect(opened.calls[3]?.headers.get('if-match')).toBe('"1"');
  expect(opened.calls[5]?.headers.get('if-match')).toBe('"2"');
  expect(JSON.parse(String(opened.calls[11]?.body))).toEqual({ subject: 's' });
  const renewal = opened.calls[21];
  expect(JSON.parse(String(renewal?.body))).toEqual({ rejected_token: 'old', subject: 's', account_id: null });
  expect(renewal?.headers.get('content-type')).toBe('application/json');
});

test('a response without content is undefined, and response() gives headers', async () => {
  const { broker, double } = open();
  double.script(respond(204));
  expect(await broker.connections.deleteGrant('crm', 'g')).toBeUndefined();
  double.script(respond(200, {}, { etag: '"7"' }));
  expect((await broker.response('GET', '/connections/crm')).headers.get('etag')).toBe('"7"');
});

test.each(['', '.', '..'])('the name %j is refused: it would select another route', async (name) => {
  const { broker, calls } = open();
  await expect(broker.credential(name)).rejects.toThrow(TypeError);
  await expect(async () => broker.connections.get(name)).rejects.toThrow(TypeError);
  expect(calls).toEqual([]);
});

test('names and ids cannot leave their segment of the path', async () => {
  const opened = open();
  await opened.broker.connections.getGrant('a/b', '../x?y=1#z');
  expect(sent(opened)).toEqual(['GET https://b.example/api/connections/a%2Fb/grants/..%2Fx%3Fy%3D1%23z']);
});

test.each<[string, object]>([
  ['url', { url: 'broker.example' }],
  ['url', { url: 'ftp://broker.example' }],
  ['url', { url: 'https://user:secret@broker.example' }],
  ['url', { url: 'https://broker.example?x=1' }],
  ['key', { key: '' }],
  ['key', { key: undefined }],
  ['organization', { organization: '' }],
  ['timeoutMs', { timeoutMs: -1 }],
  ['timeoutMs', { timeoutMs: Number.NaN }],
  ['retries', { retries: 1.5 }],
])('a wrong %s is named at once: %j', (option, wrong) => {
  expect(() => open(wrong)).toThrow(new RegExp(`^${option} must`));
});

test('a key with a line end of its file works, and a wrong key is not repeated in the message', async () => {
  const { broker, calls } = open({ key: 'the-key\n' });
  await broker.credential('crm');
  expect(calls[0]?.headers.get('authorization')).toBe('Bearer the-key');
  expect(() => open({ key: 'two secret words' })).toThrow(expect.not.objectContaining({ message: /secret words/ }));
  const later = open({ key: async () => 'two secret words' });
  const error = await later.broker.credential('crm').catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(TypeError);
  expect(String(error)).not.toContain('secret words');
});

test('a function gives the key of each request', async () => {
  let number = 0;
  const { broker, calls } = open({ key: async () => `key-${++number}` });
  await broker.connections.get('a');
  await broker.connections.get('b');
  expect(calls.map(({ headers }) => headers.get('authorization'))).toEqual(['Bearer key-1', 'Bearer key-2']);
});

test('printing the client shows no key', async () => {
  const { inspect } = await import('node:util');
  const { broker } = open({ key: 'very-secret' });
  expect(inspect(broker, { depth: 9, showHidden: true }) + JSON.stringify(broker)).not.toContain('very-secret');
});
