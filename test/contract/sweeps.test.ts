import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConnection, importGrant } from '../e2e/connections.ts';
import { openService, type Service } from './service.ts';

interface Sweep {
  id: string;
  is_running: boolean;
  found: number;
  enqueued: number;
  refreshed: number;
  failed: number;
  skipped: number;
  finished_at: string | null;
  seconds: number | null;
}

const patience = { timeout: 30_000 };

describe('sweeps on demand', () => {
  let service: Service;
  beforeAll(async () => {
    service = await openService();
  });
  afterAll(() => service?.close());

  async function sweeps(limit = 20): Promise<Sweep[]> {
    const response = await service.api.get(`/admin/refresh/status?limit=${limit}`);
    expect(response.status, response.text).toBe(200);
    return response.body.sweeps as unknown as Sweep[];
  }
  const idle = () =>
    expect.poll(async () => (await sweeps()).every(({ finished_at }) => finished_at !== null), patience).toBe(true);

  test('a requested sweep refreshes what is due, however recent the last sweep is, and its numbers say so', async () => {
    await expect.poll(async () => (await sweeps()).length, patience).toBeGreaterThan(0);
    for (const due of [1, 2]) {
      await idle();
      const before = new Set((await sweeps()).map(({ id }) => id));
      for (let n = 0; n < due; n++) {
        const connection = await addConnection(service, { organization: 'acme' });
        await importGrant(service, connection, 60);
      }
      const response = await service.api.post('/admin/refresh/expiring');
      expect(response).toMatchObject({ status: 202, body: { state: 'queued' } });
      const ended = async () => {
        const [latest] = await sweeps(1);
        if (latest === undefined || before.has(latest.id)) return null;
        const { found, enqueued, refreshed, failed, skipped, finished_at } = latest;
        const isCounted = finished_at !== null && refreshed + failed + skipped === enqueued;
        return isCounted ? { found, enqueued } : null;
      };
      await expect.poll(ended, patience).toEqual({ found: due, enqueued: due });
    }
  });

  test('an active sweep is shown, and a request says so and queues none; a silent one counts as broken off', async () => {
    await idle();
    const id = '00000000-0000-7000-8000-00000000000a';
    await service.stack.sql(`insert into sweeps (id) values ('${id}')`);
    const before = (await sweeps()).length;
    expect(await service.api.post('/admin/refresh/expiring')).toMatchObject({
      status: 202,
      body: { state: 'running', sweep: { id, is_running: true, finished_at: null, seconds: null } },
    });
    expect(await service.api.get('/admin/refresh/status')).toMatchObject({ body: { is_running: true } });
    expect(await sweeps()).toHaveLength(before);
    await service.stack.sql(`update sweeps set seen_at = null where id = '${id}'`);
    expect(await service.api.get('/admin/refresh/status')).toMatchObject({ body: { is_running: false } });
    expect(await service.api.post('/admin/refresh/expiring')).toMatchObject({ body: { state: 'queued' } });
    await expect.poll(async () => (await sweeps(1))[0]?.id, patience).not.toBe(id);
  });

  test.each([
    { organizations: ['acme'], global: true },
    { organizations: '*', global: false },
  ])('a key with %o is refused', async (rights) => {
    const { api } = await service.newKey(rights);
    const as = { organization: 'acme' };
    expect(await api.post('/admin/refresh/expiring', undefined, as)).toMatchObject({ status: 403 });
    expect(await api.get('/admin/refresh/status', as)).toMatchObject({ status: 403 });
  });

  test.each(['0', '101', 'many'])('limit %s is refused', async (limit) => {
    expect(await service.api.get(`/admin/refresh/status?limit=${limit}`)).toMatchObject({ status: 400 });
  });
});
