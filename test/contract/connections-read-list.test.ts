import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { json } from '../support/provider/hostile-provider.ts';
import { openService, type Service, uniqueName } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
  service.hostile.script('/token', json(200, { access_token: 'a', token_type: 'Bearer', expires_in: 3600 }));
});
afterAll(() => service?.close());

interface Summary {
  [member: string]: unknown;
  connection_name: string;
  organization_id: string | null;
  shadowed: boolean;
}
interface List {
  connections: Summary[];
  count: number;
  next_cursor: string | null;
}

async function add(name: string, organization?: string, more: Record<string, unknown> = {}) {
  const body = {
    connection_name: name,
    client_id: 'client',
    client_secret: 'the-secret',
    authorization_url: 'https://provider.example/authorize',
    token_url: `${service.hostile.origin}/token`,
    authorize_params: { audience: 'x' },
    ...more,
  };
  const response = await service.api.post('/connections', body, { organization });
  expect(response.status, response.text).toBe(201);
  return response.body;
}

async function list(query: string, organization?: string): Promise<List> {
  const response = await service.api.get(`/connections${query}`, { organization });
  expect(response.status, response.text).toBe(200);
  return response.body as unknown as List;
}
const names = ({ connections }: List) => connections.map(({ connection_name }) => connection_name);

describe('GET /connections/{name}', () => {
  test('reading a connection returns the same detail as creating it', async () => {
    const name = uniqueName();
    const created = await add(name, 'acme', { multi_account: true });
    const read = await service.api.get(`/connections/${name}`, { organization: 'acme' });
    expect(read).toMatchObject({ status: 200, body: created });
    expect(read.body).not.toHaveProperty('shadowed');
    expect(read.headers.get('etag')).toMatch(/^"[^"]+"$/);
    expect(read.text).not.toContain('the-secret');
  });

  test('a name is looked up in the organisation first, then in the global scope, never in another organisation', async () => {
    const name = uniqueName();
    await add(name, undefined, { description: 'global' });
    await add(name, 'acme', { description: 'own' });
    const read = async (organization?: string) =>
      (await service.api.get(`/connections/${name}`, { organization })).body.description;
    expect([await read('acme'), await read('globex'), await read()]).toEqual(['own', 'global', 'global']);
    const hidden = uniqueName();
    await add(hidden, 'acme');
    for (const organization of ['globex', undefined]) {
      const response = await service.api.get(`/connections/${hidden}`, { organization });
      expect(response).toMatchObject({ status: 404, body: { code: 'connection_not_found' } });
    }
  });

  test('an organisation sees the global redirect_uri of a global connection', async () => {
    const name = uniqueName();
    await add(name);
    const { body } = await service.api.get(`/connections/${name}`, { organization: 'acme' });
    expect(body.redirect_uri).toBe(`${service.broker.url}/callback/${name}`);
  });

  test('only the owner of a global connection sees its parameters', async () => {
    const name = uniqueName();
    const parameters = { authorize_params: { audience: 'hidden-a' }, token_params: { api_key: 'hidden-b' } };
    await add(name, undefined, parameters);
    expect((await service.api.get(`/connections/${name}`)).body).toMatchObject(parameters);
    const seen = await service.api.get(`/connections/${name}`, { organization: 'acme' });
    expect(seen.body).toMatchObject({ authorize_params: null, token_params: null });
    expect(seen.text).not.toContain('hidden-');
    await add(name, 'acme', parameters);
    expect((await service.api.get(`/connections/${name}`, { organization: 'acme' })).body).toMatchObject(parameters);
  });

  test('an absent connection name gives 404, a malformed one 400', async () => {
    expect(await service.api.get('/connections/absent')).toMatchObject({
      status: 404,
      body: { code: 'connection_not_found' },
    });
    const response = await service.api.get('/connections/a%20b');
    expect(response).toMatchObject({ status: 400, body: { errors: [{ path: 'path.name' }] } });
  });
});

describe('GET /connections', () => {
  const organization = uniqueName('lister');
  beforeAll(async () => {
    for (const name of ['alpha', 'bravo', 'charlie', 'delta', 'echo']) await add(name, organization);
    await add('bravo', undefined, { description: 'For Every Organisation' });
    await add('foxtrot');
    await add('golf', organization, {
      oauth_flow_type: 'client_credentials',
      authorization_url: undefined,
      authorize_params: undefined,
      description: 'A Machine',
    });
    await add('hidden', 'another');
  });

  test('a summary is the detail without client, URLs and parameters, and says whether it is shadowed', async () => {
    const { connections } = await list('?q=alpha', organization);
    const { body } = await service.api.get('/connections/alpha', { organization });
    const detailOnly = [
      'client_id',
      'authorization_url',
      'token_url',
      'revocation_url',
      'test_url',
      'redirect_uri',
      'authorize_params',
      'token_params',
      'token_auth_method',
      'variables',
    ];
    const expected = [...Object.keys(body).filter((name) => !detailOnly.includes(name)), 'shadowed'];
    expect(Object.keys(connections[0] ?? {}).toSorted()).toEqual(expected.toSorted());
  });

  test('a list has the own and the global connections, marks shadowed ones, and has none of other organisations', async () => {
    const { connections, count, next_cursor } = await list('', organization);
    const own = connections.filter(({ organization_id }) => organization_id === organization);
    expect(own.map(({ connection_name }) => connection_name)).toEqual([
      'alpha',
      'bravo',
      'charlie',
      'delta',
      'echo',
      'golf',
    ]);
    expect(own.every(({ shadowed }) => !shadowed)).toBe(true);
    const global = connections.filter(({ organization_id }) => organization_id === null);
    expect(global.filter(({ shadowed }) => shadowed).map(({ connection_name }) => connection_name)).toEqual(['bravo']);
    expect(names({ connections: global, count, next_cursor })).toContain('foxtrot');
    expect(count).toBe(connections.length);
    expect(next_cursor).toBeNull();
    expect(connections.map(({ organization_id }) => organization_id)).not.toContain('another');
  });

  test('include_global=false omits global connections, and the global scope lists no others', async () => {
    expect(names(await list('?include_global=false', organization))).toHaveLength(6);
    const global = await list('?include_global=false');
    expect(names(global)).toContain('foxtrot');
    expect(global.connections.every(({ organization_id, shadowed }) => organization_id === null && !shadowed)).toBe(
      true,
    );
  });

  test.each<[query: string, found: string[]]>([
    ['status=completed', ['golf']],
    ['status=not_connected', ['alpha', 'bravo', 'charlie', 'delta', 'echo']],
    ['status=failed', []],
    ['flow=client_credentials', ['golf']],
    ['flow=authorization_code', ['alpha', 'bravo', 'charlie', 'delta', 'echo']],
    ['provider=generic', ['alpha', 'bravo', 'charlie', 'delta', 'echo', 'golf']],
    ['provider=google', []],
    ['q=LPH', ['alpha']],
    ['q=machine', ['golf']],
    ['q=%25', []],
    ['q=a&flow=client_credentials', ['golf']],
  ])('a list with the filter %s returns the matching connections', async (query, found) => {
    const response = await service.api.get(`/connections?include_global=false&${query}`, { organization });
    expect(names(response.body as unknown as List)).toEqual(found);
  });

  test('pages of any size hold every connection once, in the same order, with the total count', async () => {
    const whole = await list('', organization);
    for (const limit of [1, 2, 3, whole.count]) {
      const seen: Summary[] = [];
      let cursor: string | null = '';
      while (cursor !== null) {
        const page: List = await list(`?limit=${limit}&cursor=${encodeURIComponent(cursor)}`, organization);
        expect(page.count).toBe(whole.count);
        expect(page.connections.length).toBeLessThanOrEqual(limit);
        seen.push(...page.connections);
        cursor = page.next_cursor;
      }
      expect(seen).toEqual(whole.connections);
    }
  });

  test('connections created or deleted between pages hide no other connection', async () => {
    const first = await list('?limit=3&include_global=false', organization);
    await add('aaa', organization);
    await service.api.delete('/connections/charlie', { organization });
    const second = await list(`?limit=200&include_global=false&cursor=${first.next_cursor}`, organization);
    expect([...names(first), ...names(second)]).toEqual(['alpha', 'bravo', 'charlie', 'delta', 'echo', 'golf']);
  });

  test('a page has 50 connections by default and at most 200', async () => {
    const many = uniqueName('many');
    const wanted = Array.from({ length: 205 }, (_, at) => `n${String(at).padStart(3, '0')}`);
    for (let at = 0; at < wanted.length; at += 20)
      await Promise.all(wanted.slice(at, at + 20).map((name) => add(name, many)));
    expect(names(await list('?include_global=false', many))).toEqual(wanted.slice(0, 50));
    expect(names(await list('?include_global=false&limit=200', many))).toEqual(wanted.slice(0, 200));
  });

  test.each([
    ['limit', 'limit=0'],
    ['limit', 'limit=201'],
    ['limit', 'limit=-1'],
    ['limit', 'limit=ten'],
    ['limit', 'limit=1&limit=2'],
    ['include_global', 'include_global=maybe'],
    ['status', 'status=broken'],
    ['status', 'status='],
    ['flow', 'flow=implicit'],
    ['cursor', 'cursor=nonsense'],
    ['cursor', `cursor=${Buffer.from('["a","b"]').toString('base64url')}`],
    ['q', `q=${'q'.repeat(201)}`],
    ['q', 'q=%00'],
  ])('a list reports a fault at %s for the query %s', async (path, query) => {
    const response = await service.api.get(`/connections?${query}`);
    expect(response).toMatchObject({ status: 400, body: { errors: [{ path: `query.${path}` }] } });
  });
});
