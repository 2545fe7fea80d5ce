import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { contract } from '../../src/http/contract/contract.ts';
import type { Api, ApiResponse } from '../support/http/broker-api.ts';
import { finishSignIn, startBound } from './bound-links.ts';
import {
  addConnection,
  connect,
  expectStatus,
  openAuthorization,
  openScene,
  type Scene,
  type TestConnection,
} from './scene.ts';

/** Identifiers that B knows or guesses: those of A, or ones that never existed. */
interface Names {
  authorization: string;
  name: string;
  connection: string;
  grant: string;
  state: string;
  key: string;
}

/** One call for each route whose request can identify a resource of another organisation. */
const attacks: Record<string, (api: Api, names: Names) => Promise<ApiResponse>> = {
  getConnection: (api, { name }) => api.get(`/connections/${name}`),
  patchConnection: (api, { name }) => api.patch(`/connections/${name}`, { description: 'mine' }),
  replaceConnection: (api, { name }) => api.call('PUT', `/connections/${name}`, { body: replacement }),
  deleteConnection: (api, { name }) => api.delete(`/connections/${name}`),
  listGrants: (api, { name }) => api.get(`/connections/${name}/grants`),
  importGrant: (api, { name }) => api.post(`/connections/${name}/grants`, { access_token: 't' }),
  getGrant: (api, { name, grant }) => api.get(`/connections/${name}/grants/${grant}`),
  deleteGrant: (api, { name, grant }) => api.delete(`/connections/${name}/grants/${grant}`),
  refreshGrant: (api, { name }) => api.post(`/connections/${name}/refresh`, { subject: 'person' }),
  testConnection: (api, { name }) => api.post(`/connections/${name}/test`, { subject: 'person' }),
  revokeGrants: (api, { name }) => api.post(`/connections/${name}/revoke`, { subject: 'person' }),
  startAuthorization: (api, { name }) => api.post(`/connections/${name}/authorize`, {}),
  cancelAuthorization: (api, { name }) => api.post(`/connections/${name}/cancel`, {}),
  getAuthorization: (api, { state }) => api.get(`/authorizations/${state}`),
  confirmAuthorization: (api, { authorization }) =>
    api.post(`/authorizations/${authorization}/confirm`, { binding_verifier: 'v', confirmation_code: 'c' }),
  getCredential: (api, { name }) => api.get(`/credentials/${name}?subject=person`),
  explainCredential: (api, { name }) => api.get(`/credentials/${name}/explain?subject=person`),
  renewCredential: (api, { name }) => api.post(`/credentials/${name}/renew`, { rejected_token: 'access-1' }),
  listDependents: (api, { name }) => api.get(`/connections/${name}/dependents`),
  registerDependency: (api, { name }) => api.post('/workflows/of-b/dependencies', { connection_name: name }),
  getFleetConnection: (api, { connection }) => api.get(`/admin/connections/${connection}`),
  getFleetGrant: (api, { grant }) => api.get(`/admin/grants/${grant}`),
  checkOneHealth: (api, { grant }) => api.post(`/admin/health/check/${grant}`),
  revokeApiKey: (api, { key }) => api.delete(`/admin/api-keys/${key}`),
};
/** Status that the caller learns: an explanation states that of the fetch. */
const statusOf = ({ status, body }: ApiResponse) => Number(Object(body.answer).status ?? status);
const replacement = { client_id: 'x', authorization_url: 'https://x.test/', token_url: 'https://x.test/' };
const routesWithoutIdentifiers = [
  'createConnection',
  'listConnections',
  'listProviders',
  'getProvider',
  'createApiKey',
  'listApiKeys',
  'getMetrics',
  'listAuditEvents',
  // A workflow id belongs to the organisation that names it.
  'getWorkflow',
  'listDependencies',
  'listDisabledWorkflows',
  'disableWorkflow',
  'enableWorkflow',
  'requestSweep',
  'listSweeps',
  'requestHealthRun',
  // Data keys belong to the installation: a caller of one organisation is refused whatever the id.
  'readEncryption',
  'rotateKeys',
  'retireDataKey',
  // fleet-tenants.test.ts compares what these list and count for each caller.
  'getFleetStats',
  'getHealthStats',
  'listFleetConnections',
  'listFleetGrants',
  'importGrants',
];
const unknownNames: Names = {
  name: 'c-0000000000',
  connection: '00000000-0000-7000-8000-000000000000',
  grant: '00000000-0000-7000-8000-000000000000',
  state: 'A'.repeat(43),
  authorization: '00000000-0000-7000-8000-000000000000',
  key: '00000000-0000-7000-8000-000000000000',
};

describe('tenant isolation: a caller of organisation B with the names, ids and states of A', () => {
  let scene: Scene;
  let b: Api;
  let a: Api;
  beforeAll(async () => {
    scene = await openScene({ ALLOWED_RETURN_URLS: 'https://app.test' });
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
    const { state } = await openAuthorization(scene, connection, { subject: 'person' }, 'a');
    const [{ id = '' } = {}] = await scene.rows(`select id from connections where name = '${connection.name}'`);
    const { authorizationId: authorization } = await finishSignIn(await startBound(scene, connection, {}, 'a'));
    return { connection: String(id), grant: grants[0]?.grant_id ?? '', state, authorization };
  }

  /** Reads all rows of A, without columns that change by themselves. */
  const readRows = async () => ({
    connections: await scene.rows(`select row_to_json(c) from connections c order by id`),
    grants: await scene.rows(`select row_to_json(g) from grants g order by id`),
    authorizations: await scene.rows(
      `select row_to_json(t) from authorizations t where organization_id = 'a' order by state_hash`,
    ),
    keys: await scene.rows(`select id, revoked_at from api_keys where organizations = '{a}' order by id`),
  });

  test('every guarded route of the contract is either attacked or identifies no resource', () => {
    const guarded = contract.filter(({ access }) => access.for !== 'public').map(({ operationId }) => operationId);
    expect([...Object.keys(attacks), ...routesWithoutIdentifiers].sort()).toEqual(guarded.sort());
  });

  test('each route gives B the same response for resources of A as for resources that do not exist', async () => {
    const before = await readRows();
    const sentBefore = scene.provider.received.length;
    for (const [route, attack] of Object.entries(attacks)) {
      const real = await attack(b, names);
      const imaginary = await attack(b, unknownNames);
      expect(statusOf(real), route).toBe(404);
      expect(comparable(real, names), route).toEqual(comparable(imaginary, unknownNames));
    }
    expect(await readRows()).toEqual(before);
    expect(scene.provider.received).toHaveLength(sentBefore);
  });

  test('organisation B reads and changes no grant of A on a shared global connection', async () => {
    const untouched = await addConnection(scene);
    const before = await readRows();
    for (const [route, attack] of Object.entries(attacks)) {
      if (['revokeApiKey', 'importGrant', 'startAuthorization', 'registerDependency'].includes(route)) continue;
      const real = await attack(b, globalNames);
      const other = await attack(b, { ...unknownNames, name: untouched.name });
      expect(comparable(real, globalNames), route).toEqual(
        comparable(other, { ...unknownNames, name: untouched.name }),
      );
      expect(real.text, route).not.toMatch(/access-|refresh-|person/);
    }
    expect(await readRows()).toEqual(before);
  });

  test('actions of B on a shared global connection leave the grants of A unchanged', async () => {
    const before = await readRows();
    const own = expectStatus(await b.post(`${global.path}/grants`, { access_token: 'of-b', subject: 'person' }), 201);
    expect((await b.get(`${global.credential}?subject=person`)).body.access_token).toBe('of-b');
    expectStatus(await b.post(`${global.path}/revoke`, { subject: 'person' }), 200);
    expectStatus(await b.delete(`${global.path}/grants/${own.body.grant_id}`), 204);
    expectStatus(await b.post(`${global.path}/cancel`, { subject: 'person' }), 200);
    expect(await readRows()).toEqual(before);
    expect((await a.get(`${global.credential}?subject=person`)).body.access_token).toMatch(/^access-/);
  });

  test('lists, counts, filters and cursors of B show no connection or key of A', async () => {
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

  test('organisation B can use a connection name of A, and the two connections share nothing', async () => {
    const mine = await addConnection({ api: b, provider: scene.provider }, { body: { connection_name: theirs.name } });
    expect((await b.get(mine.credential)).body.code).toBe('connection_not_ready');
    expect((await b.get(`${mine.path}/grants`)).body.grants).toEqual([]);
    expect((await b.delete(`${mine.path}/grants/${names.grant}`)).status).toBe(404);
    expectStatus(await b.delete(mine.path), 200);
    expect((await a.get(`${theirs.credential}?subject=person`)).status).toBe(200);
  });

  test('sealed tokens copied to a row of another organisation do not open', async () => {
    await connect(scene, global, { subject: 'thief' }, 'b');
    await scene.rows(`update grants t set sealed_tokens = v.sealed_tokens from grants v
      where t.organization_id = 'b' and t.subject = 'thief' and v.id = '${globalNames.grant}'
      and t.connection_id = v.connection_id`);
    const response = await b.get(`${global.credential}?subject=thief`);
    expect(response.status).toBe(500);
    expect(response.text).not.toContain('access-');
  });
});

/** Reduces a response to the parts that must be equal: no identifiers, times or request ids. */
function comparable({ status, headers, text }: ApiResponse, names: Names) {
  const plain = Object.values(names).reduce((rest, value) => rest.replaceAll(value, '…'), text);
  const volatile = /"(instance|id|created_at|updated_at|redirect_uri|client_id|tested_at|organization_id)":"[^"]*"/g;
  const kept = [...headers].filter(([name]) => !['date', 'x-request-id', 'content-length', 'etag'].includes(name));
  return { status, headers: Object.fromEntries(kept), text: plain.replace(volatile, '') };
}
