import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { json } from '../support/hostile-provider.ts';
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
  const answer = await service.api.post('/connections', body, { organization });
  expect(answer.status, answer.text).toBe(201);
  return answer.body;
}

async function list(query: string, organization?: string): Promise<List> {
  const answer = await service.api.get(`/connections${query}`, { organization });
  expect(answer.status, answer.text).toBe(200);
  return answer.body as unknown as List;
}
const names = ({ connections }: List) => connections.map(({ connection_name }) => connection_name);

describe('GET /connections/{name}', () => {
  test('answers what the creation answered, with the same tag', async () => {
    const name = uniqueName();
    const created = await add(name, 'acme', { multi_account: true });
    const read = await service.api.get(`/connections/${name}`, { organization: 'acme' });
    expect(read).toMatchObject({ status: 200, body: created });
    expect(read.body).not.toHaveProperty('shadowed');
    expect(read.headers.get('etag')).toMatch(/^"[^"]+"$/);
    expect(read.text).not.toContain('the-secret');
  });

  test('the organisation’s own comes first, then the global one, and never another organisation’s', async () => {
    const name = uniqueName();
    await add(name, undefined, { description: 'global' });
    await add(name, 'acme', { description: 'own' });
    const read = async (organization?: string) =>
      (await service.api.get(`/connections/${name}`, { organization })).body.description;
    expect([await read('acme'), await read('globex'), await read()]).toEqual(['own', 'global', 'global']);
    const hidden = uniqueName();
    await add(hidden, 'acme');
    for (const organization of ['globex', undefined]) {
      const answer = await service.api.get(`/connections/${hidden}`, { organization });
      expect(answer).toMatchObject({ status: 404, body: { code: 'connection_not_found' } });
    }
  });

  test('the redirect_uri of a global connection is the global one for an organisation too', async () => {
    const name = uniqueName();
    await add(name);
    const { body } = await service.api.get(`/connections/${name}`, { organization: 'acme' });
    expect(body.redirect_uri).toBe(`${service.broker.url}/callback/${name}`);
  });

  test('404 for a name that is not there; 400 for one that cannot be', async () => {
    expect(await service.api.get('/connections/absent')).toMatchObject({
      status: 404,
      body: { code: 'connection_not_found' },
    });
    const answer = await service.api.get('/connections/a%20b');
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ path: 'path.name' }] } });
  });
});

describe('GET /connections', () => {
  const organization = uniqueName('lister');
  beforeAll(async () => {
    for (const name of ['alpha', 'bravo', 'charlie', 'delta', 'echo']) await add(name, organization);
    await add('bravo', undefined, { description: 'Of Everybody' });
    await add('foxtrot');
    await add('golf', organization, {
      oauth_flow_type: 'client_credentials',
      authorization_url: undefined,
      authorize_params: undefined,
      description: 'A Machine',
    });
    await add('hidden', 'another');
  });

  test('summaries: the detail without client, URLs and parameters', async () => {
    const { connections } = await list('?q=alpha', organization);
    expect(Object.keys(connections[0] ?? {}).toSorted()).toEqual(
      [
        ...['id', 'organization_id', 'connection_name', 'provider', 'oauth_flow_type', 'has_client_secret', 'scopes'],
        ...['status', 'status_reason', 'status_message', 'expires_at', 'last_refresh_at', 'next_refresh_at'],
        ...['last_test_at', 'health_status', 'health_error', 'created_by', 'created_at', 'updated_at'],
        ...['description', 'multi_account', 'share_with_organizations', 'shadowed'],
      ].toSorted(),
    );
  });

  test('the organisation’s own and the global ones, hidden ones marked, others’ never', async () => {
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

  test('include_global=false leaves the global ones out; the global scope has no others', async () => {
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
  ])('the filter %s', async (query, found) => {
    const answer = await service.api.get(`/connections?include_global=false&${query}`, { organization });
    expect(names(answer.body as unknown as List)).toEqual(found);
  });

  test('pages of every size hold every connection once, in one order, and count them all', async () => {
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

  test('a connection made or deleted meanwhile costs a reader of pages none of the others', async () => {
    const first = await list('?limit=3&include_global=false', organization);
    await add('aaa', organization);
    await service.api.delete('/connections/charlie', { organization });
    const second = await list(`?limit=200&include_global=false&cursor=${first.next_cursor}`, organization);
    expect([...names(first), ...names(second)]).toEqual(['alpha', 'bravo', 'charlie', 'delta', 'echo', 'golf']);
  });

  test('50 to a page by default, 200 at the most', async () => {
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
  ])('400 naming %s for %s', async (path, query) => {
    const answer = await service.api.get(`/connections?${query}`);
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ path: `query.${path}` }] } });
  });
});
