import { afterAll, beforeAll, expect, test } from 'vitest';
import { addConnection } from '../e2e/connections.ts';
import { startBroker } from '../support/broker-process.ts';
import { createTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { openService, type Service } from './service.ts';

let service: Service;
let proxy: TcpProxy;
let databaseUrl: string;
beforeAll(async () => {
  service = await openService();
  databaseUrl = service.stack.env.DATABASE_URL ?? '';
  proxy = await createTcpProxy(databaseUrl);
  await service.restart({ DATABASE_URL: proxy.url });
});
afterAll(async () => {
  await service?.close();
  await proxy?.close();
});

test('all is well: ok, alive, ready, for whoever asks', async () => {
  // The queue's own connections may come a moment after readiness.
  await expect.poll(async () => (await service.api.get('/health')).body.status).toBe('ok');
  const { status, body } = await service.api.get('/health');
  expect(status).toBe(200);
  expect(body).toEqual({
    ...{ status: 'ok', service: 'token-broker', version: expect.stringMatching(/^\d+\.\d+\.\d+/) },
    ...{ timestamp: expect.stringMatching(/Z$/), database: 'ok', queue: 'ok' },
  });
  expect((await service.api.get('/livez')).status).toBe(200);
  expect(await service.api.get('/readyz')).toMatchObject({
    status: 200,
    body: { status: 'ready', database: true, migrated: true, key_proven: true },
  });
  expect((await fetch(`${service.broker.url}/health`)).status).toBe(200);
});

test('without the database: 503, alive, not ready; every other route says so and comes back by itself', async () => {
  const { path, credential } = await addConnection(service);
  await proxy.cut();
  await expect.poll(async () => (await service.api.get('/health')).status).toBe(503);
  expect((await service.api.get('/health')).body).toMatchObject({ status: 'unavailable', database: 'unavailable' });
  expect((await service.api.get('/livez')).status).toBe(200);
  expect(await service.api.get('/readyz')).toMatchObject({
    status: 503,
    body: { status: 'not_ready', database: false },
  });
  for (const call of [
    () => service.api.get('/connections'),
    () => service.api.get(path),
    () => service.api.get(credential),
    () => service.api.post(`${path}/authorize`),
    () => service.api.get('/admin/api-keys'),
    () => service.as(`tb_01980c30-0a5e-7d10-9a55-3c9d7e8f1b23_${'a'.repeat(43)}`).get('/connections'),
  ])
    expect(await call()).toMatchObject({ status: 503, body: { code: 'service_unavailable' } });
  for (const page of [`/authorize/${'a'.repeat(43)}`, '/callback/crm?state=x&code=y'])
    expect((await fetch(`${service.broker.url}${page}`)).status).toBe(503);
  await proxy.restore();
  await expect.poll(async () => (await service.api.get('/health')).body.status, { timeout: 20_000 }).toBe('ok');
  expect((await service.api.get(path)).status).toBe(200);
});

test('without the queue: degraded, and credentials are served', async () => {
  const { path, credential } = await addConnection(service);
  await service.api.post(`${path}/grants`, { access_token: 'live', expires_in: 3600 });
  // Nobody listens where the queue should be.
  const degraded = await startBroker({
    dataDir: `${service.stack.dataDir}-2`,
    env: { ...service.stack.env, REDIS_URL: 'redis://127.0.0.1:1' },
  });
  try {
    const api = service.as(service.stack.adminKey(), degraded.url);
    expect(await api.get('/health')).toMatchObject({
      status: 200,
      body: { status: 'degraded', database: 'ok', queue: 'unavailable' },
    });
    expect((await api.get(credential)).body.access_token).toBe('live');
  } finally {
    await degraded.stop();
  }
});
