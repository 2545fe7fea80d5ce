import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApi } from '../support/http/broker-api.ts';
import { addConnection, allPermissions, connect, expectStatus, openScene, type Scene } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene?.close());

const keyBody = (rights: Record<string, unknown>) => ({
  name: 'k',
  permissions: ['admin:read'],
  organizations: ['a'],
  ...rights,
});

describe('escalation through API keys', () => {
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
  ])('a key cannot create a key with %s', async (_, rights) => {
    const { api } = await scene.newKey(maker);
    const response = await api.post('/admin/api-keys', keyBody(rights));
    expect(response).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect(response.text).not.toContain('tb_');
  });

  test.each<Record<string, unknown>>([same, { ...same, connections: ['crm-1', 'crm-*-x', 'a-eu', '*-x-eu'] }])(
    'a key can create a key with equal or fewer rights: %j',
    async (rights) => {
      const { api } = await scene.newKey(maker);
      expect((await api.post('/admin/api-keys', keyBody(rights))).status).toBe(201);
    },
  );

  test('a key can neither list nor revoke a key with more rights', async () => {
    const { api } = await scene.newKey({ ...maker, connections: ['crm-*'] });
    const strongerKeys = [
      await scene.newKey({ ...maker, permissions: allPermissions }),
      await scene.newKey({ ...maker, organizations: '*' }),
      await scene.newKey({ ...maker, organizations: ['c'] }),
      await scene.newKey({ ...maker, connections: null }),
      await scene.newKey({ ...maker, global: true }),
    ];
    const listed = (await api.get('/admin/api-keys', { organization: 'a' })).text;
    for (const key of strongerKeys) {
      expect(listed).not.toContain(key.id);
      const refused = await api.delete(`/admin/api-keys/${key.id}`);
      expect(refused).toMatchObject({ status: 404, body: { code: 'not_found' } });
      expect((await key.api.get('/admin/api-keys', { organization: 'c' })).status).not.toBe(401);
    }
  });

  test('a key cannot select an organisation outside its own, several organisations, or the global scope', async () => {
    const { api } = await scene.newKey({ organizations: ['b'] });
    for (const organization of ['a', 'B', 'b, a', '*', 'null', 'b%00', 'b/../a', '']) {
      const { status } = await api.get('/connections', { organization });
      expect([400, 403], organization).toContain(status);
    }
    const two = await scene.newKey({ organizations: ['a', 'b'] });
    expect((await two.api.get('/connections')).status).toBe(403);
    const unlimited = await scene.newKey({ organizations: '*' });
    expect((await unlimited.api.get('/connections')).status).toBe(403);
  });
});

describe('confused deputy', () => {
  test('only credentials:read with a matching name pattern gives access to a token', async () => {
    const connection = await addConnection(scene, { organization: 'b' });
    await connect(scene, connection);
    const { access_token } = expectStatus(await scene.api.get(connection.credential, { organization: 'b' }), 200).body;
    const limited = await scene.newKey({
      permissions: ['credentials:read'],
      connections: [
        'other-*',
        `${connection.name}-*`,
        connection.name.slice(0, -1),
        connection.name.slice(1),
        `*${connection.name.slice(0, -1)}`,
        connection.name.toUpperCase(),
      ],
    });
    const withoutRead = await scene.newKey({
      permissions: allPermissions.filter((each) => each !== 'credentials:read'),
    });
    for (const { api } of [limited, withoutRead]) {
      const responses = [
        await api.get(connection.credential),
        await api.post(`${connection.credential}/renew`, { rejected_token: access_token }),
      ];
      for (const response of responses) expect(response).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    }
    for (const verb of ['test', 'refresh']) {
      const { text } = expectStatus(await withoutRead.api.post(`${connection.path}/${verb}`), 200);
      expect(text).not.toMatch(/access-\d|refresh-\d/);
    }
    expect((await limited.api.post(`${connection.path}/test`)).status).toBe(403);
  });

  test('a name pattern with 50 wildcards is checked without exponential backtracking', async () => {
    const name = 'a'.repeat(100);
    const { api } = await scene.newKey({ permissions: ['credentials:read'], connections: [`${'*a'.repeat(49)}*b`] });
    expect((await api.get(`/credentials/${name}`)).status).toBe(403);
  });
});

describe('secrecy of API keys', () => {
  test('every wrong API key gets the same response, however close it is to a valid one', async () => {
    const { key, id } = await scene.newKey();
    const [, , secret = ''] = /^tb_([^_]+)_(.*)$/.exec(key) ?? [];
    const wrongKeys = [
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
    const responses = await Promise.all(wrongKeys.map((each) => createApi(scene.url, each).get('/connections')));
    for (const { status, body } of responses) expect({ status, body: { ...body, instance: '' } }).toEqual(unauthorized);
  });

  const unauthorized = {
    status: 401,
    body: expect.objectContaining({ code: 'unauthorized', status: 401, detail: expect.stringMatching(/key/) }),
  };

  test('the secret of an API key is shown once and is not in the database', async () => {
    const { key } = await scene.newKey();
    const secret = key.slice(-43);
    expect((await scene.api.get('/admin/api-keys')).text).not.toContain(secret);
    const stored = JSON.stringify(await scene.rows('select row_to_json(k) from api_keys k'));
    // bytea is shown in hex.
    for (const form of [secret, Buffer.from(secret).toString('hex'), Buffer.from(secret, 'base64url').toString('hex')])
      expect(stored).not.toContain(form);
  });
});
