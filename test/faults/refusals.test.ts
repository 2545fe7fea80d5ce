import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FaultRedis, startFaultRedis } from '../support/faults/redis.ts';
import {
  addConnection,
  changeGrant,
  type FaultWorld,
  importForeignGrant,
  importGrant,
  openFaultWorld,
  type Service,
} from '../support/faults/world.ts';
import { type HostileProvider, json, startHostileProvider, tokens } from '../support/provider/hostile-provider.ts';

let redis: FaultRedis;
let hostile: HostileProvider;
let world: FaultWorld;
let services: [Service, Service];
let first: Service;
beforeAll(async () => {
  redis = await startFaultRedis();
  hostile = await startHostileProvider();
  world = await openFaultWorld({ redisUrl: redis.url });
  first = await world.start();
  services = [first, await world.start()];
});
afterAll(async () => {
  await world?.close();
  await hostile?.close();
  await redis?.remove();
});

const patience = { timeout: 60_000, interval: 100 };

/** Starts another sweep: schedules of an emptied queue fire at once. */
async function sweepAgain(): Promise<void> {
  await world.sql('delete from sweeps');
  await redis.flush();
  const finished = () => world.sql('select id from sweeps where finished_at is not null');
  await expect.poll(finished, patience).not.toEqual([]);
}

test('a grant refused with invalid_grant is sent once: no read, renewal or sweep at two processes sends it again at once', async () => {
  const connection = await addConnection(world, first);
  const grant = await importGrant(world, first, connection);
  world.provider.forgetRefreshTokens();
  const report = { rejected_token: grant.accessToken };
  for (let round = 0; round < 3; round++) {
    for (const { api } of services) {
      const responses = await Promise.all([
        ...Array.from({ length: 10 }, () => api.get(grant.path)),
        ...Array.from({ length: 4 }, () => api.post(`${grant.path}/renew`, report)),
      ]);
      for (const { status, body } of responses.filter(({ status }) => status !== 429))
        expect({ status, code: body.code, reason: body.status_reason }).toEqual({
          status: 503,
          code: 'connection_not_ready',
          reason: 'reauthorization_required',
        });
    }
    await sweepAgain();
  }
  const sent = world.gate.exchanges.filter(({ presented }) => presented === grant.refreshToken);
  expect(sent).toMatchObject([{ status: 400 }]);
});

test('a grant refused because of its configuration is sent once a day', async () => {
  hostile.script('/scope/token', json(400, { error: 'invalid_scope' }));
  const { path, id } = await importForeignGrant(world, first, {
    tokenUrl: `${hostile.origin}/scope/token`,
    name: 'scope',
  });
  const sent = () => hostile.received.filter((request) => request.path === '/scope/token').length;
  const triggerRefreshes = async () => {
    for (const { api } of services) await Promise.all(Array.from({ length: 10 }, () => api.get(path)));
    await sweepAgain();
  };
  await triggerRefreshes();
  await triggerRefreshes();
  expect(sent()).toBe(1);
  await changeGrant(world, id, "retry_at = retry_at - interval '25 hours'");
  await expect.poll(async () => (await first.api.get(path)) && sent(), patience).toBe(2);
  await triggerRefreshes();
  expect(sent()).toBe(2);
});

test('after 429 with Retry-After no grant of that client is sent until then, and another client of the endpoint is served', async () => {
  const tokenUrl = `${hostile.origin}/busy/token`;
  const pauseSeconds = 6;
  const throttled = await addConnection(world, first, { token_url: tokenUrl });
  const other = await importForeignGrant(world, first, { tokenUrl, name: 'other-client' });
  const requests: { at: number; client: string; refused: boolean }[] = [];
  let isThrottling = true;
  hostile.script('/busy/token', (response: ServerResponse) => {
    const basic = Buffer.from(response.req.headers.authorization?.split(' ')[1] ?? '', 'base64').toString('utf8');
    // RFC 6749 §2.3.1: form-encoded before it is put into Basic.
    const client = decodeURIComponent(basic.split(':')[0] ?? '');
    const refused = isThrottling && client === throttled.clientId;
    requests.push({ at: performance.now(), client, refused });
    const retry = { 'retry-after': String(pauseSeconds) };
    (refused ? json(429, { error: 'slow_down' }, retry) : tokens('at-served', null))(response);
  });
  const subjects = ['ada', 'bea', 'cia'];
  for (const subject of subjects) {
    const answer = await first.api.post(`${throttled.path}/grants`, {
      access_token: `at-${subject}`,
      refresh_token: `rt-${subject}`,
      expires_at: new Date(Date.now() - 60_000).toISOString(),
      subject,
    });
    expect(answer.status).toBe(201);
  }
  const read = (subject: string) => first.api.get(`${throttled.credential}?subject=${subject}`);

  const refused = await read('ada');
  expect(refused).toMatchObject({ status: 503, body: { code: 'provider_unavailable' } });
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  isThrottling = false;
  for (const subject of subjects)
    expect(await read(subject)).toMatchObject({ status: 503, body: { code: 'provider_unavailable' } });
  expect(await first.api.get(other.path)).toMatchObject({ status: 200, body: { access_token: 'at-served' } });

  for (const subject of subjects) await expect.poll(async () => (await read(subject)).status, patience).toBe(200);
  const [refusal, ...later] = requests.filter(({ client }) => client === throttled.clientId);
  expect(refusal?.refused).toBe(true);
  expect(later).toHaveLength(subjects.length);
  for (const { at } of later) expect(at - (refusal?.at ?? at)).toBeGreaterThanOrEqual(pauseSeconds * 1000 - 50);
});
