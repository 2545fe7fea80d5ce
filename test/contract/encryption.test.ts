import { afterAll, beforeAll, expect, test } from 'vitest';
import { addConnection, connect, importGrant } from '../e2e/connections.ts';
import { openService, type Service } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service?.close());

const patience = { timeout: 30_000 };

interface Encryption {
  encryption_key_id: string;
  encryption_keys: { id: string; is_held: boolean; data_keys: number; backup_confirmed_at: string | null }[];
  data_keys: { id: string; state: string; seals: number; sealed_until: string | null }[];
  processes: { id: string; is_live: boolean; sealing_data_key_id: string | null }[];
  rotation: { id: string; state: string; resealed: number; unreadable: number; waits_for: string[] } | null;
}

async function encryption(): Promise<Encryption> {
  const response = await service.api.get('/admin/encryption');
  expect(response.status, response.text).toBe(200);
  return response.body as unknown as Encryption;
}

test('a rotation under way serves every credential, ends by itself, and the old key can be removed', async () => {
  const connection = await addConnection(service, { organization: 'acme' });
  await connect(service, connection, 'ada');
  const global = await addConnection(service);
  await importGrant(service, global, 3600);
  const before = await encryption();
  const [old] = before.data_keys;
  expect(before).toMatchObject({
    encryption_key_id: 'k1',
    encryption_keys: [{ id: 'k1', is_held: true, data_keys: 1, backup_confirmed_at: null }],
    data_keys: [{ state: 'sealing', sealed_until: null }],
    processes: [{ is_live: true, sealing_data_key_id: old?.id }],
    rotation: null,
  });

  const started = await service.api.post('/admin/encryption/rotate');
  expect(started).toMatchObject({ status: 202, body: { is_new: true, rotation: { state: 'distributing' } } });
  const again = await service.api.post('/admin/encryption/rotate');
  if (again.body.is_new === false) expect(again.body.rotation).toMatchObject({ id: (await encryption()).rotation?.id });
  const credentials = async () => {
    const answers = await Promise.all([
      service.api.get(connection.credential, { organization: 'acme' }),
      service.api.get(global.credential),
    ]);
    return answers.map(({ status }) => status);
  };
  await expect
    .poll(async () => {
      expect(await credentials()).toEqual([200, 200]);
      return (await encryption()).rotation?.state;
    }, patience)
    .toBe('finished');
  const after = await encryption();
  expect(after.rotation).toMatchObject({ unreadable: 0, waits_for: [] });
  expect(after.data_keys.find(({ state }) => state === 'sealing')?.id).not.toBe(old?.id);

  const path = `/admin/encryption/data-keys/${old?.id}`;
  expect(await service.api.delete(path)).toMatchObject({ status: 409, body: { code: 'data_key_in_use', values: {} } });
  await service.stack.sql(`update data_keys set sealed_until = now() - interval '11 minutes' where state = 'opening'`);
  expect(await service.api.delete(path)).toMatchObject({ status: 204 });
  expect(await service.api.delete(path)).toMatchObject({ status: 404, body: { code: 'not_found' } });
  await service.restart();
  expect(await credentials()).toEqual([200, 200]);
  // The client secret still reaches the provider: a refresh authenticates with it.
  const refreshed = await service.api.post(`${connection.path}/refresh`, undefined, { organization: 'acme' });
  expect(refreshed.status, refreshed.text).toBe(200);
}, 120_000);

test('a token_url that was changed by SQL receives no client secret', async () => {
  const connection = await addConnection(service, { organization: 'acme' });
  await importGrant(service, connection, -60);
  const { hostile } = service;
  await service.stack.sql(
    `update connections set token_url = '${hostile.origin}/token' where name = '${connection.name}'`,
  );
  await service.restart();
  const response = await service.api.get(connection.credential, { organization: 'acme' });
  expect(response.status).toBeGreaterThanOrEqual(500);
  expect(hostile.received).toEqual([]);
}, 60_000);

test('an edit of the URLs seals the client secret for the new ones', async () => {
  const connection = await addConnection(service, { organization: 'acme' });
  await connect(service, connection, 'ada');
  const edits = [
    { description: 'the same' },
    { test_url: null },
    { revocation_url: null },
    { token_url: service.provider.endpoints.token, client_secret: connection.clientSecret },
  ];
  for (const edit of edits) {
    const path = `${connection.path}?confirm_disconnect=true`;
    const response = await service.api.patch(path, edit, { organization: 'acme' });
    expect(response.status, response.text).toBe(200);
    const refreshed = await service.api.post(`${connection.path}/refresh`, undefined, { organization: 'acme' });
    expect(refreshed.status, refreshed.text).toBe(200);
  }
});

test.each([
  { organizations: ['acme'], global: true },
  { organizations: '*', global: false },
])('a key with %j alone neither sees nor rotates the keys', async (rights) => {
  const { api } = await service.newKey(rights);
  for (const response of await Promise.all([
    api.get('/admin/encryption'),
    api.post('/admin/encryption/rotate'),
    api.delete('/admin/encryption/data-keys/01980c30-0a5e-7d10-9a55-3c9d7e8f1b23'),
  ])) {
    expect(response).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  }
});

test.each([{ data_key: 'yes' }, { data_keys: true }, []])('the body %j is refused', async (body) => {
  expect(await service.api.post('/admin/encryption/rotate', body)).toMatchObject({ status: 400 });
});
