import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { contract } from '../../src/http/contract/contract.ts';
import type { Api, ApiAnswer } from '../support/broker-api.ts';
import { addConnection, begin, connect, expectStatus, openScene, type Scene, type TestConnection } from './scene.ts';

/** What B was told or guessed of A, and the like that never existed. */
interface Names {
  name: string;
  grant: string;
  state: string;
  key: string;
}

/** Every route that a caller of an organisation can name another's things on; the rest names nothing of anybody's. */
const attacks: Record<string, (api: Api, names: Names) => Promise<ApiAnswer>> = {
  getConnection: (api, { name }) => api.get(`/connections/${name}`),
  patchConnection: (api, { name }) => api.patch(`/connections/${name}`, { description: 'mine' }),
  replaceConnection: (api, { name }) => api.call('PUT', `/connections/${name}`, { body: whole }),
  deleteConnection: (api, { name }) => api.delete(`/connections/${name}?confirm_disable_workflows=true`),
  listGrants: (api, { name }) => api.get(`/connections/${name}/grants`),
  importGrant: (api, { name }) => api.post(`/connections/${name}/grants`, { access_token: 't' }),
  deleteGrant: (api, { name, grant }) => api.delete(`/connections/${name}/grants/${grant}`),
  refreshGrant: (api, { name }) => api.post(`/connections/${name}/refresh`, { subject: 'person' }),
  testConnection: (api, { name }) => api.post(`/connections/${name}/test`, { subject: 'person' }),
  revokeGrants: (api, { name }) => api.post(`/connections/${name}/revoke`, { subject: 'person' }),
  startAuthorization: (api, { name }) => api.post(`/connections/${name}/authorize`, {}),
  cancelAuthorization: (api, { name }) => api.post(`/connections/${name}/cancel`, {}),
  getAuthorization: (api, { state }) => api.get(`/authorizations/${state}`),
  getCredential: (api, { name }) => api.get(`/credentials/${name}?subject=person`),
  renewCredential: (api, { name }) => api.post(`/credentials/${name}/renew`, { rejected_token: 'access-1' }),
  revokeApiKey: (api, { key }) => api.delete(`/admin/api-keys/${key}`),
};
const whole = { client_id: 'x', authorization_url: 'https://x.test/', token_url: 'https://x.test/' };
const namesNothing = [
  'createConnection',
  'listConnections',
  'listProviders',
  'getProvider',
  'createApiKey',
  'listApiKeys',
];
const absent: Names = {
  name: 'c-0000000000',
  grant: '00000000-0000-7000-8000-000000000000',
  state: 'A'.repeat(43),
  key: '00000000-0000-7000-8000-000000000000',
};

describe('threat 28: a caller of B with the names, ids and states of A', () => {
  let scene: Scene;
  let b: Api;
  let a: Api;
  beforeAll(async () => {
    scene = await openScene();
    b = (await scene.newKey({ organizations: ['b'] })).api;
    a = (await scene.newKey({ organizations: ['a'] })).api;
  });
  afterAll(() => scene?.close());

  let theirs: TestConnection;
  let global: TestConnection;
  let names: Names;
  let globalNames: Names;
  beforeEach(async () => {
    theirs = await addConnection(scene, { organization: 'a' });
    global = await addConnection(scene);
    for (const connection of [theirs, global]) {
      await connect(scene, connection, { subject: 'person' }, 'a');
      await connect(scene, connection, {}, 'a');
    }
    const { id: key } = await scene.newKey({ organizations: ['a'], permissions: ['credentials:read'] });
    names = { name: theirs.name, key, ...(await grantAndState(theirs)) };
    globalNames = { name: global.name, key, ...(await grantAndState(global)) };
  });

  async function grantAndState(connection: TestConnection) {
    const { grants } = (await a.get(`${connection.path}/grants`)).body as unknown as { grants: { grant_id: string }[] };
    const { state } = await begin(scene, connection, { subject: 'person' }, 'a');
    return { grant: grants[0]?.grant_id ?? '', state };
  }

  /** All that A has, but what moves by itself. */
  const everything = async () => ({
    connections: await scene.rows(`select row_to_json(c) from connections c order by id`),
    grants: await scene.rows(`select row_to_json(g) from grants g order by id`),
    trips: await scene.rows(
      `select row_to_json(t) from authorizations t where organization_id = 'a' order by state_hash`,
    ),
    keys: await scene.rows(`select id, revoked_at from api_keys where organizations = '{a}' order by id`),
  });

  test('every route of the contract is attacked or names nothing of anybody', () => {
    const guarded = contract.filter(({ access }) => access.for !== 'public').map(({ operationId }) => operationId);
    expect([...Object.keys(attacks), ...namesNothing].sort()).toEqual(guarded.sort());
  });

  test("each route answers for A's names, to the letter, what it answers for names that never were", async () => {
    const before = await everything();
    const sent = scene.provider.received.length;
    for (const [route, attack] of Object.entries(attacks)) {
      const real = await attack(b, names);
      const imaginary = await attack(b, absent);
      expect(real.status, route).toBe(404);
      expect(comparable(real, names), route).toEqual(comparable(imaginary, absent));
    }
    expect(await everything()).toEqual(before);
    expect(scene.provider.received).toHaveLength(sent);
  });

  test("below a shared global connection B sees and touches nothing of A's", async () => {
    const untouched = await addConnection(scene);
    const before = await everything();
    for (const [route, attack] of Object.entries(attacks)) {
      if (['revokeApiKey', 'importGrant', 'startAuthorization'].includes(route)) continue;
      const real = await attack(b, globalNames);
      const other = await attack(b, { ...absent, name: untouched.name });
      expect(comparable(real, globalNames), route).toEqual(comparable(other, { ...absent, name: untouched.name }));
      expect(real.text, route).not.toMatch(/access-|refresh-|person/);
    }
    expect(await everything()).toEqual(before);
  });

  test("B's own doings below a global connection leave A's as they are", async () => {
    const before = await everything();
    const own = expectStatus(await b.post(`${global.path}/grants`, { access_token: 'of-b', subject: 'person' }), 201);
    expect((await b.get(`${global.credential}?subject=person`)).body.access_token).toBe('of-b');
    expectStatus(await b.post(`${global.path}/revoke`, { subject: 'person' }), 200);
    expectStatus(await b.delete(`${global.path}/grants/${own.body.grant_id}`), 204);
    expectStatus(await b.post(`${global.path}/cancel`, { subject: 'person' }), 200);
    expect(await everything()).toEqual(before);
    expect((await a.get(`${global.credential}?subject=person`)).body.access_token).toMatch(/^access-/);
  });

  test('lists, counts, filters and cursors hold nothing of A', async () => {
    const { body } = await b.get('/connections?limit=1');
    const first = body as unknown as { count: number; next_cursor: string | null };
    for (const query of [
      '',
      '?include_global=true&limit=200',
      `?q=${theirs.name}`,
      '?status=completed&include_global=false',
    ]) {
      expect((await b.get(`/connections${query}`)).text, query).not.toContain(theirs.name);
    }
    const globals = Number(
      (await scene.rows('select count(*) from connections where organization_id is null'))[0]?.count,
    );
    expect(first.count).toBe(globals);
    const [row] = await scene.rows(`select id from connections where name = '${theirs.name}'`);
    for (const place of [
      [theirs.name, row?.id],
      ['', row?.id],
      [`${theirs.name}' or true --`, row?.id],
    ]) {
      const cursor = Buffer.from(JSON.stringify(place)).toString('base64url');
      expect((await b.get(`/connections?cursor=${cursor}&limit=200`)).text).not.toContain(theirs.name);
    }
    expect((await b.get('/admin/api-keys')).text).not.toContain(names.key);
  });

  test("a name of A's is free for B, and makes a connection that shares nothing", async () => {
    const mine = await addConnection({ api: b, provider: scene.provider }, { body: { connection_name: theirs.name } });
    expect((await b.get(mine.credential)).body.code).toBe('connection_not_ready');
    expect((await b.get(`${mine.path}/grants`)).body.grants).toEqual([]);
    expect((await b.delete(`${mine.path}/grants/${names.grant}`)).status).toBe(404);
    expectStatus(await b.delete(mine.path), 200);
    expect((await a.get(`${theirs.credential}?subject=person`)).status).toBe(200);
  });

  test('sealed tokens put under another organisation or row by hand do not open', async () => {
    await connect(scene, global, { subject: 'thief' }, 'b');
    await scene.rows(`update grants t set sealed_tokens = v.sealed_tokens from grants v
      where t.organization_id = 'b' and t.subject = 'thief' and v.id = '${globalNames.grant}'
      and t.connection_id = v.connection_id`);
    const answer = await b.get(`${global.credential}?subject=thief`);
    expect(answer.status).toBe(500);
    expect(answer.text).not.toContain('access-');
  });
});

/** An answer without what is the request's own. */
function comparable({ status, headers, text }: ApiAnswer, names: Names) {
  const plain = Object.values(names).reduce((rest, value) => rest.replaceAll(value, '…'), text);
  const volatile = /"(instance|id|created_at|updated_at|redirect_uri|client_id|tested_at|organization_id)":"[^"]*"/g;
  const kept = [...headers].filter(([name]) => !['date', 'x-request-id', 'content-length', 'etag'].includes(name));
  return { status, headers: Object.fromEntries(kept), text: plain.replace(volatile, '') };
}
