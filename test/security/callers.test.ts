import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApi } from '../support/broker-api.ts';
import { addConnection, allPermissions, connect, expectStatus, openScene, type Scene } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene?.close());

const bodies = (rights: Record<string, unknown>) => ({
  name: 'k',
  permissions: ['admin:read'],
  organizations: ['a'],
  ...rights,
});

describe('threat 26c: a key cannot make a key with more than it has', () => {
  const maker = {
    permissions: ['admin:read', 'admin:write', 'credentials:read'],
    organizations: ['a', 'b'],
    connections: ['crm-*', '*-eu'],
  };
  const same = { permissions: ['credentials:read'], connections: ['crm-*'] };

  test.each<[string, Record<string, unknown>]>([
    ['a permission it lacks', { ...same, permissions: ['connections:write'] }],
    ['one permission too many', { ...same, permissions: [...maker.permissions, 'connections:read'] }],
    ['another organisation', { ...same, organizations: ['a', 'c'] }],
    ['every organisation', { ...same, organizations: '*' }],
    ['the global scope', { ...same, global: true }],
    ['every connection', { permissions: ['credentials:read'] }],
    ['every connection, spelt out', { ...same, connections: ['*'] }],
    ['a wider pattern', { ...same, connections: ['crm*'] }],
    ['a pattern that only overlaps', { ...same, connections: ['*m-*'] }],
    ['a name it cannot read', { ...same, connections: ['payroll'] }],
    ['a good pattern beside a bad one', { ...same, connections: ['crm-*', 'payroll'] }],
  ])('not with %s', async (_, rights) => {
    const { api } = await scene.newKey(maker);
    const answer = await api.post('/admin/api-keys', bodies(rights));
    expect(answer).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect(answer.text).not.toContain('tb_');
  });

  test.each<Record<string, unknown>>([same, { ...same, connections: ['crm-1', 'crm-*-x', 'a-eu', '*-x-eu'] }])(
    'with no more than it has it may: %j',
    async (rights) => {
      const { api } = await scene.newKey(maker);
      expect((await api.post('/admin/api-keys', bodies(rights))).status).toBe(201);
    },
  );

  test('and can neither see nor revoke one that has more', async () => {
    const { api } = await scene.newKey({ ...maker, connections: ['crm-*'] });
    const strong = [
      await scene.newKey({ ...maker, permissions: allPermissions }),
      await scene.newKey({ ...maker, organizations: '*' }),
      await scene.newKey({ ...maker, organizations: ['c'] }),
      await scene.newKey({ ...maker, connections: null }),
      await scene.newKey({ ...maker, global: true }),
    ];
    const listed = (await api.get('/admin/api-keys', { organization: 'a' })).text;
    for (const key of strong) {
      expect(listed).not.toContain(key.id);
      const refused = await api.delete(`/admin/api-keys/${key.id}`);
      expect(refused).toMatchObject({ status: 404, body: { code: 'not_found' } });
      expect((await key.api.get('/admin/api-keys', { organization: 'c' })).status).not.toBe(401);
    }
  });

  test('naming an organisation out of reach, several, or the global scope is refused on every route alike', async () => {
    const { api } = await scene.newKey({ organizations: ['b'] });
    for (const organization of ['a', 'B', 'b, a', '*', 'null', 'b%00', 'b/../a', '']) {
      const { status } = await api.get('/connections', { organization });
      expect([400, 403], organization).toContain(status);
    }
    const two = await scene.newKey({ organizations: ['a', 'b'] });
    expect((await two.api.get('/connections')).status).toBe(403);
    const every = await scene.newKey({ organizations: '*' });
    expect((await every.api.get('/connections')).status).toBe(403);
  });
});

describe('threat 29: a right to one thing is no right to another', () => {
  test('patterns limit every way to a token, and other permissions are none', async () => {
    const connection = await addConnection(scene, { organization: 'b' });
    await connect(scene, connection);
    const { access_token } = expectStatus(await scene.api.get(connection.credential, { organization: 'b' }), 200).body;
    const limited = await scene.newKey({
      permissions: ['credentials:read'],
      connections: ['other-*', `${connection.name}-*`],
    });
    const blind = await scene.newKey({ permissions: allPermissions.filter((one) => one !== 'credentials:read') });
    const workflow = { 'x-workflow-id': 'wf-1', 'x-workflow-name': 'mine' };
    for (const { api } of [limited, blind]) {
      const answers = [
        await api.get(connection.credential),
        await api.get(connection.credential, { headers: workflow }),
        await api.post(`${connection.credential}/renew`, { rejected_token: access_token }),
      ];
      for (const answer of answers) expect(answer).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    }
    for (const verb of ['test', 'refresh']) {
      const { text } = expectStatus(await blind.api.post(`${connection.path}/${verb}`), 200);
      expect(text).not.toMatch(/access-\d|refresh-\d/);
    }
    expect((await limited.api.post(`${connection.path}/test`)).status).toBe(403);
  });

  test('a pattern of many stars and a name made for it take no longer than any other', async () => {
    const name = 'a'.repeat(100);
    const { api } = await scene.newKey({ permissions: ['credentials:read'], connections: [`${'*a'.repeat(49)}*b`] });
    expect((await api.get(`/credentials/${name}`)).status).toBe(403);
  });
});

describe('threat 32: API keys', () => {
  test('a key near the right one is as wrong as any: the answer says nothing of which part', async () => {
    const { key, id } = await scene.newKey();
    const [, , secret = ''] = /^tb_([^_]+)_(.*)$/.exec(key) ?? [];
    const wrong = [
      `${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`,
      `tb_${id}_`,
      `tb_${id}_${secret}${secret}`,
      `tb_${id.toUpperCase()}_${secret}`,
      `tb_00000000-0000-7000-8000-000000000000_${secret}`,
      `tb_' or 1=1--_${secret}`,
      scene.adminKey.slice(0, -1),
      `${scene.adminKey} `.repeat(2).trim(),
      'x'.repeat(9000),
    ];
    const answers = await Promise.all(wrong.map((one) => createApi(scene.url, one).get('/connections')));
    for (const { status, body } of answers) expect({ status, body: { ...body, instance: '' } }).toEqual(unauthorized);
  });

  const unauthorized = {
    status: 401,
    body: expect.objectContaining({ code: 'unauthorized', status: 401, detail: expect.stringMatching(/key/) }),
  };

  test('the secret is shown once and is nowhere in the database', async () => {
    const { key } = await scene.newKey();
    const secret = key.slice(-43);
    expect((await scene.api.get('/admin/api-keys')).text).not.toContain(secret);
    const stored = JSON.stringify(await scene.rows('select row_to_json(k) from api_keys k'));
    expect(stored).not.toContain(secret);
    expect(stored).not.toContain(Buffer.from(secret, 'base64url').toString('hex'));
  });
});
