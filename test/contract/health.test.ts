import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addConnection } from '../e2e/connections.ts';
import { createTcpProxy, type TcpProxy } from '../support/faults/tcp-proxy.ts';
import { startBroker } from '../support/processes/broker-process.ts';
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

test('with every part available, the service is ok, alive and ready, without authentication', async () => {
  // The queue can connect a moment after the service is ready. The first sweep must end before later tests cut it off.
  await expect
    .poll(async () => (await service.api.get('/health')).body, { timeout: 20_000 })
    .toMatchObject({ status: 'ok', last_sweep_at: expect.any(String) });
  const { status, body } = await service.api.get('/health');
  expect(status).toBe(200);
  expect(body).toEqual({
    status: 'ok',
    service: 'token-broker',
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    timestamp: expect.stringMatching(/Z$/),
    database: 'ok',
    queue: 'ok',
    queue_failure: null,
    workers: 1,
    last_sweep_at: expect.stringMatching(/Z$/),
    unsaved_tokens: 0,
    refresh_mode: 'on',
  });
  expect((await service.api.get('/livez')).status).toBe(200);
  expect(await service.api.get('/readyz')).toMatchObject({
    status: 200,
    body: { status: 'ready', database: true, migrated: true, key_proven: true, reason: null },
  });
  expect((await fetch(`${service.broker.url}/health`)).status).toBe(200);
});

test('without the database the service is alive but not ready, every route gives 503, and it recovers by itself', async () => {
  const { path, credential } = await addConnection(service);
  await proxy.cut();
  await expect.poll(async () => (await service.api.get('/health')).status).toBe(503);
  expect((await service.api.get('/health')).body).toMatchObject({
    status: 'unavailable',
    database: 'unavailable',
    workers: null,
    last_sweep_at: null,
    unsaved_tokens: 0,
    refresh_mode: 'on',
  });
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

test('a sweep that ended more than two intervals ago degrades the service', async () => {
  const lastSweepAt = async () => (await service.api.get('/health')).body.last_sweep_at;
  await expect.poll(lastSweepAt, { timeout: 20_000 }).toEqual(expect.any(String));
  await service.stack.sql("update sweeps set finished_at = finished_at - interval '61 minutes'");
  expect(await service.api.get('/health')).toMatchObject({ status: 200, body: { status: 'degraded', workers: 1 } });
  await service.stack.sql("update sweeps set finished_at = finished_at + interval '61 minutes'");
  expect((await service.api.get('/health')).body.status).toBe('ok');
});

test('tokens in the spool of an ended process degrade the service until they are stored', async () => {
  const folder = join(service.stack.dataDir, 'instances', 'ended');
  mkdirSync(folder);
  // No round of recovery can store or remove an unreadable file.
  writeFileSync(join(folder, 'one.tokens'), 'unreadable');
  expect(await service.api.get('/health')).toMatchObject({
    status: 200,
    body: { status: 'degraded', unsaved_tokens: 1 },
  });
  rmSync(folder, { recursive: true });
  expect((await service.api.get('/health')).body).toMatchObject({ status: 'ok', unsaved_tokens: 0 });
});

test('without the queue the service is degraded and serves credentials', async () => {
  const { path, credential } = await addConnection(service);
  await service.api.post(`${path}/grants`, { access_token: 'live', expires_in: 3600 });
  // No server listens at the address of the queue.
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
