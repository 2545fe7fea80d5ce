import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type FaultWorld, importForeignGrant, openFaultWorld, type Service } from '../support/faults/world.ts';
import { answerWith, type RawAnswer } from '../support/provider/raw-provider.ts';
import { type Loss, type RotatingProvider, startRotatingProvider } from '../support/provider/rotating-provider.ts';

/** Time in which a provider accepts a spent refresh token again. */
const graceMs = 30_000;
/** The longest that a reader may go without a token: the pauses after two losses, and a busy machine. */
const patience = { timeout: 60_000, interval: 250 };
/** Holds a lease for 5 + 15 s, so that another process takes over within the grace of the provider. */
const shortLease = { PROVIDER_CALL_CAP_MS: '5000', PROVIDER_TIMEOUT_MS: '5000' };
/** A grant whose answer was lost may send its old token at most this often. */
const mostCalls = 3;

const silence =
  (ending: RawAnswer['ending']): Loss =>
  () => ({ steps: [], ending });
const page =
  (status: number): Loss =>
  () =>
    answerWith('<html>upstream</html>', { status });
const losses: [name: string, loss: Loss][] = [
  ['a connection closed after the request', silence('close')],
  ['a connection reset after the request', silence('reset')],
  ['an answer cut in its status line', () => ({ steps: ['HTTP/1.1 20'], ending: 'close' })],
  ['an answer cut in its headers', () => ({ steps: ['HTTP/1.1 200 OK\r\ncontent-ty'], ending: 'reset' })],
  ['an answer without its body', ({ body }) => answerWith(body, { cutAt: 0 })],
  ['an answer cut before its refresh token', ({ body }) => answerWith(body, { cutAt: 12, ending: 'reset' })],
  ['an answer cut in a chunk', ({ body }) => answerWith(body, { cutAt: 12, framing: 'chunked' })],
  [
    'a gzip answer cut in its header',
    ({ body }) => answerWith(gzipSync(body), { cutAt: 8, headers: [['content-encoding', 'gzip']] }),
  ],
  ['502 of a gateway', page(502)],
  ['504 of a gateway', page(504)],
];

let world: FaultWorld;
let provider: RotatingProvider;
let services: [Service, Service];
beforeAll(async () => {
  provider = await startRotatingProvider();
  world = await openFaultWorld();
  const first = await world.start();
  services = [first, await world.start()];
});
afterAll(async () => {
  await world?.close();
  await provider?.close();
});

let count = 0;

/** Imports an expired grant whose next answers the provider loses after it rotated the token. */
async function losingGrant(grace: number, toLose: readonly Loss[]) {
  const name = `lost-${count++}`;
  const double = provider.addGrant(name, { graceMs: grace, losses: toLose });
  const imported = await importForeignGrant(world, services[0], { tokenUrl: double.tokenUrl, name });
  const readersAt = (targets: readonly Service[]) =>
    Promise.all(Array.from({ length: 6 }, (_, at) => targets[at % targets.length]?.api.get(imported.path)));
  return { double, ...imported, readersAt };
}
type LosingGrant = Awaited<ReturnType<typeof losingGrant>>;

async function rowOf({ id }: LosingGrant) {
  const [row] = await world.sql<object>(
    'select status, status_reason, refresh_started_at, lease_owner, retry_at is null as may_call from grants where id = $1',
    [id],
  );
  return row;
}

/** Waits until a reader is served, then checks that every reader of these processes is, with the newest token. */
async function expectHealed(grant: LosingGrant, targets: readonly Service[]) {
  const one = () => targets[0]?.api.get(grant.path).then(({ status }) => status);
  await vi.waitFor(async () => expect(await one()).toBe(200), patience);
  const responses = await grant.readersAt(targets);
  for (const response of responses)
    expect(response).toMatchObject({ status: 200, body: { access_token: grant.double.liveToken() } });
  const healed = { status: 'completed', status_reason: null, refresh_started_at: null, lease_owner: null };
  expect(await rowOf(grant)).toMatchObject({ ...healed, may_call: true });
  expect(grant.double.presented.length).toBeLessThanOrEqual(mostCalls);
}

/** Waits until the grant has ended, then checks that every reader is told why and that no further call is made. */
async function expectInterrupted(grant: LosingGrant, targets: readonly Service[]) {
  const reason = () => targets[0]?.api.get(grant.path).then(({ body }) => body.status_reason);
  await vi.waitFor(async () => expect(await reason()).toBe('rotation_interrupted'), patience);
  const responses = await grant.readersAt(targets);
  const ended = { code: 'connection_not_ready', status_reason: 'rotation_interrupted' };
  for (const response of responses) expect(response).toMatchObject({ status: 503, body: ended });
  expect(await rowOf(grant)).toMatchObject({ status: 'failed', status_reason: 'rotation_interrupted' });
  expect(grant.double.presented.length).toBeLessThanOrEqual(mostCalls);
  expect(new Set(grant.double.presented)).toEqual(new Set([grant.refreshToken]));
}

/** Each loss once. A second loss in a row ends the call, and readers wait for the next one: every third kind shows it. */
const table = losses.flatMap(([name, loss], at): [name: string, times: number, loss: Loss][] => [
  [name, 1, loss],
  ...(at % 3 === 0 ? [[name, 2, loss] as [string, number, Loss]] : []),
]);

describe.concurrent('answers that are lost after the provider rotated the token', () => {
  test.for(table)('%s, %i times: a grace heals it, and every caller is served', async ([, times, loss]) => {
    const grant = await losingGrant(graceMs, Array<Loss>(times).fill(loss));
    const early = await grant.readersAt(services);
    // Readers that wait for the call share its end: tokens, or a date to come back.
    for (const response of early) {
      if (response?.status === 200) continue;
      expect(response).toMatchObject({ status: 503, body: { code: 'provider_unavailable' } });
      expect(Number(response?.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    await expectHealed(grant, services);
    expect(grant.double.presented).toEqual(Array(times + 1).fill(grant.refreshToken));
  });

  test.for(table)('%s, %i times: without a grace the grant ends as rotation_interrupted', async ([, times, loss]) => {
    const grant = await losingGrant(0, Array<Loss>(times).fill(loss));
    await grant.readersAt(services);
    await expectInterrupted(grant, services);
  });
});

describe.concurrent('a process that is killed after its request was sent', () => {
  const killed: [name: string, grace: number, expectEnd: typeof expectHealed][] = [
    ['with a grace the next process heals the grant', graceMs, expectHealed],
    ['without a grace the next process ends it as rotation_interrupted', 0, expectInterrupted],
  ];
  const waiting: [name: string, loss: Loss][] = [
    ['while it waits for the answer', silence('open')],
    ['while it waits for its second try', silence('close')],
  ];
  const cases = killed.flatMap(([end, ...rest]) =>
    waiting.map(([when, loss]) => [`${when}: ${end}`, loss, ...rest] as const),
  );

  async function killDuringCall(grace: number, loss: Loss) {
    const victim = await world.start({ env: shortLease });
    const grant = await losingGrant(grace, [loss]);
    const reader = victim.api.get(grant.path).catch(() => undefined);
    await grant.double.rotated;
    await victim.kill();
    await reader;
    return { victim, grant };
  }

  test.for(cases)('%s, in another process', async ([, loss, grace, expectEnd]) => {
    const { grant } = await killDuringCall(grace, loss);
    await expectEnd(grant, services);
  });

  test.for(cases)('%s, in the process that is started in its place', async ([, loss, grace, expectEnd]) => {
    const { victim, grant } = await killDuringCall(grace, loss);
    const next = await world.start({ env: shortLease, dataDir: victim.dataDir });
    await expectEnd(grant, [next, ...services]);
    expect(grant.double.presented).toHaveLength(2);
  });
});
