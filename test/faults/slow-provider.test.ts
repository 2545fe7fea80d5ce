import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  addConnection,
  changeGrant,
  type FaultConnection,
  type FaultWorld,
  importForeignGrant,
  importGrant,
  openFaultWorld,
  type Service,
} from '../support/faults/world.ts';
import {
  closeMidBody,
  gzipBomb,
  type HostileProvider,
  hang,
  json,
  type Reply,
  redirect,
  reset,
  startHostileProvider,
  tokens,
  trickle,
} from '../support/provider/hostile-provider.ts';

let world: FaultWorld;
let hostile: HostileProvider;
/** These two processes run with the default timeouts. */
let patient: Service;
let other: Service;
/**
 * This process ends provider calls after 3 s, and its readers wait at most 2.5 s. The retry after a lost answer does not
 * fit into its calls, so each call sends one request.
 */
let hasty: Service;
beforeAll(async () => {
  hostile = await startHostileProvider();
  world = await openFaultWorld();
  patient = await world.start();
  other = await world.start();
  hasty = await world.start({ env: { PROVIDER_TIMEOUT_MS: '500', PROVIDER_CALL_CAP_MS: '3000' } });
});
afterAll(async () => {
  await world?.close();
  await hostile?.close();
});

test('a provider takes 14 s: readers at two processes get Retry-After before that, the call completes, and the token is sent once', async () => {
  const connection = await addConnection(world, patient);
  const grant = await importGrant(world, patient, connection);
  world.gate.before = () => sleep(14_000);
  const early = await Promise.all(
    Array.from({ length: 6 }, (_, index) => [patient, other][index % 2]?.api.get(grant.path)),
  );
  const [exchange, ...others] = world.gate.exchanges.filter(({ presented }) => presented === grant.refreshToken);
  for (const response of early) {
    expect(response).toMatchObject({ status: 503, body: { code: 'provider_unavailable' } });
    expect(Number(response?.headers.get('retry-after'))).toBeGreaterThan(0);
  }
  expect(exchange?.respondedAt, 'the readers waited for the provider').toBeUndefined();
  for (const { api } of [other, patient])
    await expect.poll(async () => (await api.get(grant.path)).status, { timeout: 30_000 }).toBe(200);
  expect(exchange?.status).toBe(200);
  expect(others).toEqual([]);
  world.gate.before = async () => {};
});

/** Imports a grant of a new connection, whose token endpoint is a path of the hostile provider. */
async function hostileGrant(name: string, reply: Reply, expiresIn = -60) {
  const path = `/${name}/token`;
  hostile.script(path, reply);
  const grant = await importForeignGrant(world, hasty, { tokenUrl: `${hostile.origin}${path}`, name, expiresIn });
  return {
    ...grant,
    /** Counts requests with the refresh token of the grant, on any path of the hostile provider. */
    sent: () => hostile.received.filter(({ body }) => body.includes(grant.refreshToken)).length,
    reply: (next: Reply) => hostile.script(path, next),
  };
}

async function row(id: string) {
  const [found] = await world.sql<{
    status: string;
    status_reason: string | null;
    retry_at: Date | null;
    refresh_started_at: Date | null;
    lease_owner: string | null;
  }>('select status, status_reason, retry_at, refresh_started_at, lease_owner from grants where id = $1', [id]);
  return found;
}

const waitForCallEnd = (id: string) =>
  vi.waitUntil(async () => (await row(id))?.lease_owner === null, { timeout: 20_000, interval: 100 });
const patience = { timeout: 20_000, interval: 50 };
/** Ends the pause after a failure, as time would: the provider may be called again. */
const endPause = (id: string) => changeGrant(world, id, 'retry_at = null');
const read = ({ credential }: FaultConnection) => hasty.api.get(credential);

describe.concurrent('token responses that never arrive completely', () => {
  test.for<[name: string, reply: Reply]>([
    ['hangs for ever', hang],
    ['drips a byte a second', trickle],
    ['closes in mid-body', closeMidBody],
    ['resets the connection', reset],
    ['sends 50 MB of gzip', gzipBomb],
  ])(
    'a provider that %s: the token is sent once, the grant keeps a date for the next call, and works once the provider does',
    async ([name, reply], { expect }) => {
      const grant = await hostileGrant(name.replaceAll(' ', '-'), reply);
      const responses = await Promise.all([1, 2, 3].map(() => read(grant.connection)));
      expect(responses.map(({ status, body }) => [status, body.code])).toEqual(
        Array(3).fill([503, 'provider_unavailable']),
      );
      await waitForCallEnd(grant.id);
      // The provider may have rotated the token: refresh_started_at tells the next process that a call was under way.
      expect(await row(grant.id)).toMatchObject({
        status: 'completed',
        retry_at: expect.any(Date),
        refresh_started_at: expect.any(Date),
      });
      expect(await read(grant.connection)).toMatchObject({ status: 503, body: { code: 'provider_unavailable' } });
      expect(grant.sent()).toBe(1);

      grant.reply(tokens('at-new', 'rt-new'));
      await endPause(grant.id);
      await expect
        .poll(() => read(grant.connection), patience)
        .toMatchObject({ status: 200, body: { access_token: 'at-new' } });
      expect(await row(grant.id)).toMatchObject({ retry_at: null, refresh_started_at: null });
    },
  );

  test('a token spent by an incomplete response ends the grant with rotation_interrupted, and no further request is sent', async ({
    expect,
  }) => {
    const grant = await hostileGrant('spent', closeMidBody);
    await read(grant.connection);
    grant.reply(json(400, { error: 'invalid_grant' }));
    await endPause(grant.id);
    const ended = {
      status: 503,
      body: { code: 'connection_not_ready', status_reason: 'rotation_interrupted' },
    };
    await expect.poll(() => read(grant.connection), patience).toMatchObject(ended);
    for (let reads = 0; reads < 3; reads++) expect(await read(grant.connection)).toMatchObject(ended);
    expect(grant.sent()).toBe(2);
  });
});

test('a 307 is not followed: secret and token reach no other host', async () => {
  const elsewhere = await startHostileProvider();
  try {
    const grant = await hostileGrant('moved', redirect(`${elsewhere.origin}/token`));
    expect(await read(grant.connection)).toMatchObject({ status: 503, body: { code: 'provider_unavailable' } });
    expect(elsewhere.received).toEqual([]);
    expect(grant.sent()).toBe(1);
    expect((await row(grant.id))?.status).toBe('completed');
  } finally {
    await elsewhere.close();
  }
});

test('ten responses of 50 MB in gzip cost less than 150 MiB of memory', async () => {
  const grants = await Promise.all(Array.from({ length: 10 }, (_, index) => hostileGrant(`bomb-${index}`, gzipBomb)));
  const before = peakMemoryBytes(hasty);
  await Promise.all(grants.map(({ connection }) => read(connection)));
  expect(grants.map(({ sent }) => sent())).toEqual(Array(10).fill(1));
  expect(peakMemoryBytes(hasty) - before).toBeLessThan(150 * 2 ** 20);
});

test('a live token is served at once to every reader while the provider hangs', async () => {
  const grant = await hostileGrant('alive', hang, 20);
  await changeGrant(world, grant.id, 'lifetime_seconds = 3600');
  const responses = await Promise.all(Array.from({ length: 20 }, () => read(grant.connection)));
  for (const response of responses) expect(response).toMatchObject({ status: 200, body: { access_token: 'at-alive' } });
  await waitForCallEnd(grant.id);
  expect(await read(grant.connection)).toMatchObject({ status: 200, body: { access_token: 'at-alive' } });
  expect(grant.sent()).toBe(1);
});

/** Peak resident memory of a process in bytes. */
function peakMemoryBytes({ pid }: Service): number {
  const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}
