import { afterAll, beforeAll, expect, test } from 'vitest';
import { openService, type Service, uniqueName } from '../contract/service.ts';
import { addConnection, importGrant } from '../e2e/connections.ts';
import type { Api } from '../support/http/broker-api.ts';

let service: Service;
const mine = uniqueName('mine');
const theirs = uniqueName('theirs');

beforeAll(async () => {
  service = await openService();
  const global = await addConnection(service);
  for (const organization of [mine, theirs]) {
    await importGrant(service, await addConnection(service, { organization }), 3600);
    await importGrant(service, { ...global, organization }, 3600);
  }
  await importGrant(service, global, 3600);
});
afterAll(() => service?.close());

interface Row {
  id?: string;
  grant_id?: string;
  organization_id: string | null;
}
async function rowsOf(api: Api, path: string): Promise<Row[]> {
  const { status, body, text } = await api.get(path);
  expect(status, text).toBe(200);
  return (body.grants ?? body.connections) as unknown as Row[];
}

const rights: [object, (owner: string | null) => boolean][] = [
  [{ organizations: [mine], global: false }, (owner) => owner === mine],
  [{ organizations: [mine], global: true }, (owner) => owner !== theirs],
  [{ organizations: '*', global: false }, (owner) => owner !== null],
  [{ organizations: [], global: true }, (owner) => owner === null],
];

test.each(rights)('a caller with %j sees, counts and reads only rows within its reach', async (right, maySee) => {
  const { api } = await service.newKey({ permissions: ['admin:read'], ...right });
  for (const kind of ['grants', 'connections']) {
    const all = await rowsOf(service.api, `/admin/${kind}?limit=200`);
    const seen = await rowsOf(api, `/admin/${kind}?limit=200`);
    const idOf = (row: Row) => row.grant_id ?? row.id ?? '';
    expect(all.length).toBeGreaterThanOrEqual(3);
    expect(seen.map(idOf).sort()).toEqual(
      all
        .filter((row) => maySee(row.organization_id))
        .map(idOf)
        .sort(),
    );
    for (const row of all) {
      const status = maySee(row.organization_id) ? 200 : 404;
      expect((await api.get(`/admin/${kind}/${idOf(row)}`)).status).toBe(status);
    }
    const foreign = maySee(theirs) ? 2 : 0;
    const named = await rowsOf(api, `/admin/${kind}?organization_id=${theirs}`);
    expect(named.length).toBe(kind === 'grants' ? foreign : foreign / 2);
  }
  const { body } = await api.get('/admin/stats');
  const listed = await rowsOf(api, '/admin/grants?limit=200');
  expect(body.total).toBe(listed.length);
  expect(body.by_status).toMatchObject({ completed: listed.length });
  expect((await api.get('/admin/health/stats')).body.total).toBe(listed.length);
});

test.each(rights)('a caller with %j checks the health of rows within its reach only', async (right, maySee) => {
  const { api } = await service.newKey({ permissions: ['admin:write'], ...right });
  for (const kind of ['grants', 'connections']) {
    for (const row of await rowsOf(service.api, `/admin/${kind}?limit=200`)) {
      const { status, body } = await api.post(`/admin/health/check/${row.grant_id ?? row.id}`);
      expect(status).toBe(maySee(row.organization_id) ? 200 : 404);
      const checked = (body.grants ?? []) as unknown as Row[];
      expect(checked.map(({ organization_id }) => organization_id).filter((owner) => !maySee(owner))).toEqual([]);
    }
  }
});

test('the detail of a global connection counts only grants within the reach of the caller', async () => {
  const [global] = (await rowsOf(service.api, '/admin/connections?limit=200')).filter(
    (row) => row.organization_id === null,
  );
  const countOf = async (right: object) => {
    const { api } = await service.newKey({ permissions: ['admin:read'], ...right });
    return ((await api.get(`/admin/connections/${global?.id}`)).body.grants as unknown as Record<string, unknown>)
      .by_status;
  };
  expect(await countOf({})).toMatchObject({ completed: 3 });
  expect(await countOf({ organizations: [mine], global: true })).toMatchObject({ completed: 2 });
  expect(await countOf({ organizations: [], global: true })).toMatchObject({ completed: 1 });
});

test('the numbers of the last sweep, which covers everyone, are shown to callers of everything only', async () => {
  await expect.poll(async () => (await service.api.get('/admin/stats')).body.last_sweep).not.toBeNull();
  expect((await service.api.get('/admin/stats')).body.last_sweep).toMatchObject({ found: expect.any(Number) });
  const { api } = await service.newKey({ permissions: ['admin:read'], organizations: '*', global: false });
  expect((await api.get('/admin/stats')).body.last_sweep).toMatchObject({
    started_at: expect.any(String),
    found: null,
    refreshed: null,
  });
});
