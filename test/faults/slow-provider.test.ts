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
} from '../support/fault-world.ts';
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
} from '../support/hostile-provider.ts';

let world: FaultWorld;
let hostile: HostileProvider;
/** With the numbers of production, both of them. */
let patient: Service;
let other: Service;
/** Its calls end after 4 s, and its readers wait for no more than 2.5 s. */
let hasty: Service;
beforeAll(async () => {
  hostile = await startHostileProvider();
  world = await openFaultWorld();
  patient = await world.start();
  other = await world.start();
  hasty = await world.start({ env: { PROVIDER_TIMEOUT_MS: '500', PROVIDER_CALL_CAP_MS: '4000' } });
});
afterAll(async () => {
  await world?.close();
  await hostile?.close();
});

test('a provider that takes 14 s: readers at two processes are told to come back before it answers, the call runs on, and the token was sent once', async () => {
  const connection = await addConnection(world, patient);
  const grant = await importGrant(world, patient, connection);
  world.gate.before = () => sleep(14_000);
  const early = await Promise.all(
    Array.from({ length: 6 }, (_, index) => [patient, other][index % 2]?.api.get(grant.path)),
  );
  const [exchange, ...others] = world.gate.exchanges.filter(({ presented }) => presented === grant.refreshToken);
  for (const answer of early) {
    expect(answer).toMatchObject({ status: 503, body: { code: 'provider_unavailable' } });
    expect(Number(answer?.headers.get('retry-after'))).toBeGreaterThan(0);
  }
  expect(exchange?.answeredAt, 'the readers waited for the provider').toBeUndefined();
  for (const { api } of [other, patient])
    await expect.poll(async () => (await api.get(grant.path)).status, { timeout: 30_000 }).toBe(200);
  expect(exchange?.status).toBe(200);
  expect(others).toEqual([]);
  world.gate.before = async () => {};
});

/** A grant of its own at a path of the hostile provider. */
async function hostileGrant(name: string, reply: Reply, expiresIn = -60) {
  const path = `/${name}/token`;
  hostile.script(path, reply);
  const grant = await importForeignGrant(world, hasty, { tokenUrl: `${hostile.origin}${path}`, name, expiresIn });
  return {
    ...grant,
    /** How often its refresh token was sent, there or anywhere else. */
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

const callEnded = (id: string) =>
  vi.waitUntil(async () => (await row(id))?.lease_owner === null, { timeout: 20_000, interval: 100 });
const patience = { timeout: 20_000, interval: 50 };
/** What only time would do: the provider may be asked again. */
const timePasses = (id: string) => changeGrant(world, id, 'retry_at = null');
const read = ({ credential }: FaultConnection) => hasty.api.get(credential);

describe.concurrent('an answer that never comes whole', () => {
  test.for<[name: string, reply: Reply]>([
    ['hangs for ever', hang],
    ['drips a byte a second', trickle],
    ['closes in mid-body', closeMidBody],
    ['resets the connection', reset],
    ['is 50 MB of gzip', gzipBomb],
  ])(
    '%s: the token is sent once, the grant is kept with a date for the next try, and works when the provider does',
    async ([name, reply], { expect }) => {
      const grant = await hostileGrant(name.replaceAll(' ', '-'), reply);
      const answers = await Promise.all([1, 2, 3].map(() => read(grant.connection)));
      expect(answers.map(({ status, body }) => [status, body.code])).toEqual(
        Array(3).fill([503, 'provider_unavailable']),
      );
      await callEnded(grant.id);
      // The provider may have rotated all the same: whoever tries next has to know.
      expect(await row(grant.id)).toMatchObject({
        status: 'completed',
        retry_at: expect.any(Date),
        refresh_started_at: expect.any(Date),
      });
      expect(await read(grant.connection)).toMatchObject({ status: 503, body: { code: 'provider_unavailable' } });
      expect(grant.sent()).toBe(1);

      grant.reply(tokens('at-new', 'rt-new'));
      await timePasses(grant.id);
      await expect
        .poll(() => read(grant.connection), patience)
        .toMatchObject({ status: 200, body: { access_token: 'at-new' } });
      expect(await row(grant.id)).toMatchObject({ retry_at: null, refresh_started_at: null });
    },
  );

  test('and the token turns out to be spent: the grant says rotation_interrupted, and nobody asks again', async ({
    expect,
  }) => {
    const grant = await hostileGrant('spent', closeMidBody);
    await read(grant.connection);
    grant.reply(json(400, { error: 'invalid_grant' }));
    await timePasses(grant.id);
    const ended = {
      status: 503,
      body: { code: 'connection_not_ready', status_reason: 'rotation_interrupted' },
    };
    await expect.poll(() => read(grant.connection), patience).toMatchObject(ended);
    for (let reads = 0; reads < 3; reads++) expect(await read(grant.connection)).toMatchObject(ended);
    expect(grant.sent()).toBe(2);
  });
});

test('a 307 is not followed: the secret and the token reach nobody else', async () => {
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

test('ten answers of 50 MB in gzip cost the memory of none', async () => {
  const grants = await Promise.all(Array.from({ length: 10 }, (_, index) => hostileGrant(`bomb-${index}`, gzipBomb)));
  const before = peakMemory(hasty);
  await Promise.all(grants.map(({ connection }) => read(connection)));
  expect(grants.map(({ sent }) => sent())).toEqual(Array(10).fill(1));
  expect(peakMemory(hasty) - before).toBeLessThan(150 * 2 ** 20);
});

test('a token with life left is served at once while the provider hangs, and nobody waits', async () => {
  const grant = await hostileGrant('alive', hang, 20);
  await changeGrant(world, grant.id, 'lifetime_seconds = 3600');
  const answers = await Promise.all(Array.from({ length: 20 }, () => read(grant.connection)));
  for (const answer of answers) expect(answer).toMatchObject({ status: 200, body: { access_token: 'at-alive' } });
  await callEnded(grant.id);
  expect(await read(grant.connection)).toMatchObject({ status: 200, body: { access_token: 'at-alive' } });
  expect(grant.sent()).toBe(1);
});

/** The most a process ever held, in bytes. */
function peakMemory({ pid }: Service): number {
  const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}
