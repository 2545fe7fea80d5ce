import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConnection, connect, importGrant } from '../e2e/connections.ts';
import { openLabels } from '../support/monitoring/closed-sets.ts';
import { readExposition, sumOf } from '../support/monitoring/exposition.ts';
import { json } from '../support/provider/hostile-provider.ts';
import { openService, type Service, uniqueName } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await openService({ PROVIDER_RETRIES: '0' });
});
afterAll(() => service?.close());

const scrape = async () => (await service.api.get('/metrics')).text;

describe('access', () => {
  const rights: [caller: string, rights: Record<string, unknown>, status: number][] = [
    ['of everything', {}, 200],
    ['that reads administration alone', { permissions: ['admin:read'] }, 200],
    ['without admin:read', { permissions: ['admin:write', 'connections:read', 'credentials:read'] }, 403],
    ['of all organisations without the global scope', { global: false }, 403],
    ['of the global scope alone', { organizations: [] }, 403],
    ['of one organisation and the global scope', { organizations: ['acme'] }, 403],
  ];
  test.each(rights)('a caller %s', async (_caller, change, status) => {
    const { api } = await service.newKey(change);
    const response = await api.get('/metrics');
    expect(response.status).toBe(status);
    if (status === 403) expect(response.body).toMatchObject({ code: 'forbidden' });
  });

  test('without a key there is none', async () => {
    expect((await fetch(`${service.broker.url}/metrics`)).status).toBe(401);
  });

  test('the page is in the text format, and is not for caches', async () => {
    const { headers } = await service.api.get('/metrics');
    expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(headers.get('cache-control')).toBe('no-store');
  });
});

test('fetches are counted by their result and by the source of the token', async () => {
  // The sweep of the start would refresh the expired grant first; the next one is half an hour away.
  const swept = async () => sumOf(await scrape(), 'token_broker_last_sweep_end_timestamp_seconds');
  await expect.poll(swept, { timeout: 20_000 }).toBeGreaterThan(0);
  const connection = await addConnection(service);
  const { accessToken } = await importGrant(service, connection, 3600);
  const expired = await addConnection(service);
  await importGrant(service, expired, -60);
  const before = await scrape();
  await service.api.get(connection.credential);
  await service.api.get(connection.credential);
  await service.api.get(expired.credential);
  await service.api.get('/credentials/missing');
  await service.api.post(`${connection.credential}/renew`, { rejected_token: accessToken });
  const after = await scrape();
  const grown = (labels: Record<string, string>) =>
    (sumOf(after, 'token_broker_credential_fetches_total', labels) ?? 0) -
    (sumOf(before, 'token_broker_credential_fetches_total', labels) ?? 0);
  expect(grown({ operation: 'fetch', result: 'served' })).toBe(3);
  // The first fetch of a process that has just connected its listener may not be cached.
  expect(grown({ result: 'served', source: 'refresh', operation: 'fetch' })).toBe(1);
  expect(grown({ result: 'served', source: 'refresh', operation: 'renew' })).toBe(1);
  expect(grown({ result: 'connection_not_found', source: 'none' })).toBe(1);
  expect(grown({})).toBe(5);
});

test('refreshes and requests to the provider are counted by provider, result and reason', async () => {
  const body = { token_url: `${service.hostile.origin}/refused`, provider: 'generic' };
  const connection = await addConnection(service, { body });
  await importGrant(service, connection, -60);
  service.hostile.script('/refused', json(400, { error: 'invalid_grant' }));
  await service.api.get(connection.credential);
  const page = await scrape();
  const failed = { provider: 'generic', result: 'failed', reason: 'reauthorization_required' };
  expect(sumOf(page, 'token_broker_refreshes_total', failed)).toBe(1);
  expect(sumOf(page, 'token_broker_refresh_duration_seconds_count', { provider: 'generic' })).toBeGreaterThan(0);
  const refused = { provider: 'generic', kind: 'refresh', result: 'refused' };
  expect(sumOf(page, 'token_broker_provider_requests_total', refused)).toBe(1);
});

test('no hostile input becomes a label, and more of it adds no series', async () => {
  const attack = async () => {
    const organization = uniqueName('o');
    const connection = await addConnection(service, { organization });
    await connect(service, connection, 'ada');
    const hostile = encodeURIComponent(`${uniqueName()}"} 1\nforged 1\n`);
    for (const path of [
      connection.credential,
      `${connection.credential}?subject=${hostile}`,
      `${connection.credential}?min_ttl=999999`,
      `/credentials/${hostile}`,
      `/connections/${hostile}`,
      `/${hostile}`,
      `/callback/${hostile}?state=${hostile}`,
    ]) {
      await fetch(`${service.broker.url}${path}`, { headers: { authorization: `Bearer ${service.stack.adminKey()}` } });
      await service.api.get(path, { organization });
    }
    await fetch(`${service.broker.url}/${hostile}`, { method: 'PROPFIND' });
    await service.api.post(`${connection.path}/test`, undefined, { organization });
    await service.api.delete(connection.path, { organization });
    return readExposition(await scrape());
  };
  await attack();
  const first = await attack();
  expect(openLabels(first)).toEqual([]);
  const second = await attack();
  expect(openLabels(second)).toEqual([]);
  const own = (metrics: typeof first) =>
    metrics
      .filter(({ name }) => name.startsWith('token_broker_'))
      .flatMap(({ series }) => series.map(({ name, labels }) => JSON.stringify([name, labels])));
  expect(own(second).filter((series) => !own(first).includes(series))).toEqual([]);
});

test('every state of a healthy installation is shown', async () => {
  const names = async () =>
    readExposition(await scrape())
      .filter(({ name, type, series }) => name.startsWith('token_broker_') && type === 'gauge' && series.length === 0)
      .map(({ name }) => name);
  await expect.poll(names, { timeout: 20_000 }).toEqual([]);
  const page = await scrape();
  for (const up of ['database_up', 'queue_up', 'listener_up', 'ready', 'workers'])
    expect(sumOf(page, `token_broker_${up}`), up).toBe(1);
});

test('the operations manual describes exactly the metrics that a process shows', async () => {
  const manual = readFileSync(new URL('../../docs/OPERATIONS.md', import.meta.url), 'utf8');
  const [, chapter = ''] = /\n### Metrics\n([\s\S]*?)\n### /.exec(manual) ?? [];
  const described = chapter
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .flatMap((line) => [...(line.split(' | ')[0] ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name));
  const shown = readExposition(await scrape()).map(({ name }) => name);
  expect(described.sort()).toEqual(shown.filter((name) => name.startsWith('token_broker_')).sort());
});
