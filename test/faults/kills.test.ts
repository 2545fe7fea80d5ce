import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Exchange } from '../support/fault-gate.ts';
import { type FaultPostgres, startFaultPostgres } from '../support/fault-postgres.ts';
import { portsOf } from '../support/fault-sockets.ts';
import {
  addConnection,
  type FaultConnection,
  type FaultWorld,
  type ImportedGrant,
  importGrant,
  openFaultWorld,
  type Service,
} from '../support/fault-world.ts';

/** FAULT_KILLS makes a shorter run; the promise is about 200. */
const kills = Number(process.env.FAULT_KILLS ?? 200);
const processes = 4;
const liveGrants = 60;
const loops = 40;
/** What a process serves, at most, before it is killed. */
const mostAnswers = 30;
const workLimitMs = 10_000;
const longestPauseMs = 50;
const longestLatencyMs = 20;
/** What a killed process had written is read a little later, by a provider that is busy. */
const latestReadMs = 2_000;

let postgres: FaultPostgres;
let world: FaultWorld;
let dataDir: string;
let first: Service;
beforeAll(async () => {
  postgres = await startFaultPostgres();
  // Tokens that are due for a refresh a second after they were issued: somebody always is between request and commit.
  world = await openFaultWorld({
    databaseUrl: postgres.url,
    lifetimes: { accessTokenSeconds: 6 },
    // Readers of a grant whose process was killed are told so soon, and read another.
    env: { PROVIDER_TIMEOUT_MS: '1000' },
  });
  await world.migrate();
  first = await world.start();
  dataDir = first.dataDir;
});
afterAll(async () => {
  await world?.close();
  await postgres?.remove();
});

test(`${kills} kills -9 at random points under load: every grant works afterwards, or lost its answer to a kill and says rotation_interrupted`, async () => {
  const connection = await addConnection(world, first);
  const slots = [first, ...(await Promise.all(Array.from({ length: processes - 1 }, () => world.start({ dataDir }))))];
  const latency = () => sleep(Math.random() * longestLatencyMs);
  Object.assign(world.gate, { before: latency, after: latency });

  const load = createLoad(connection, slots);
  await load.fill();
  const killings = await killAtRandom(slots, load.work);
  await load.end();
  Object.assign(world.gate, { before: async () => {}, after: async () => {} });

  for (const { isRunning, logs } of slots) expect(isRunning(), logs().slice(-2000)).toBe(true);
  const survivor = slots[0];
  if (survivor === undefined) throw new Error('no process is left');
  const outcome = { works: 0, rotation_interrupted: 0 };
  for (const grant of load.grants) {
    const label = await condition(survivor, connection, grant);
    expect(Object.keys(outcome), `${grant.path} is ${label}`).toContain(label);
    if (label === 'rotation_interrupted') explain(grant, killings, load.seen);
    outcome[label as keyof typeof outcome] += 1;
  }
  const refreshes = world.gate.exchanges.filter(({ status }) => status === 200).length;
  process.stdout.write(
    `${kills} kills during ${refreshes} refreshes of ${load.grants.length} grants: ${outcome.works} work, ${outcome.rotation_interrupted} are labelled rotation_interrupted. Of each of those the provider answered a refresh, and the process was killed before the answer was stored; nobody was given a token of it.\n`,
  );
  expectNoBlindRepetition(killings);
  expect(refreshes).toBeGreaterThan(kills);
});

interface Kill {
  at: number;
  /** Of the connections it had at that moment. */
  ports: ReadonlySet<number>;
}

/** Readers at whichever processes run, and a new grant for each that was interrupted. */
function createLoad(connection: FaultConnection, slots: Service[]) {
  const grants: ImportedGrant[] = [];
  const live = new Map<string, ImportedGrant>();
  const seen = new Set<string>();
  const answers = new Map<Service, number>();
  let over = false;

  const pick = <T>(from: readonly T[]): T | undefined => from[Math.floor(Math.random() * from.length)];
  const running = () => pick(slots.filter((slot) => slot.isRunning()));

  async function add(): Promise<void> {
    const service = running();
    if (service === undefined) return;
    const subject = `s${grants.length + live.size}-${Math.random().toString(36).slice(2)}`;
    const grant = await importGrant(world, service, connection, { subject });
    grants.push(grant);
    live.set(grant.path, grant);
  }

  async function read(): Promise<void> {
    const service = running();
    const grant = pick([...live.values()]);
    if (service === undefined || grant === undefined) return void (await sleep(5));
    const { status, body } = await service.api.get(grant.path);
    if (status === 200) {
      seen.add(body.access_token);
      answers.set(service, (answers.get(service) ?? 0) + 1);
    }
    if (body.status_reason === 'rotation_interrupted') live.delete(grant.path);
    if (live.size < liveGrants) await add();
  }

  async function loop(): Promise<void> {
    // A process that is killed takes its answers with it.
    while (!over) await read().catch(() => sleep(5));
  }

  let readers: Promise<void>[] = [];
  return {
    grants,
    seen,
    /** Until a process has served a few more readers, however many. */
    work: async (service: Service): Promise<void> => {
      const enough = Math.random() * mostAnswers;
      const until = performance.now() + workLimitMs;
      while ((answers.get(service) ?? 0) < enough && performance.now() < until) await sleep(5);
    },
    fill: async () => {
      while (grants.length < liveGrants) await add();
      readers = Array.from({ length: loops }, loop);
    },
    end: async () => {
      over = true;
      await Promise.all(readers);
    },
  };
}

/** Kills one process after another, and starts each again while the next is killed. Resolves with when, once all run. */
async function killAtRandom(slots: Service[], work: (service: Service) => Promise<void>): Promise<Kill[]> {
  const killings: Kill[] = [];
  const restarts = new Map<number, Promise<void>>();
  while (killings.length < kills) {
    const ready = [...slots.keys()].filter((slot) => !restarts.has(slot));
    const slot = ready[Math.floor(Math.random() * ready.length)];
    if (slot === undefined) {
      await Promise.race(restarts.values());
      continue;
    }
    const victim = slots[slot];
    if (victim === undefined) throw new Error('no process to kill');
    await work(victim);
    await sleep(Math.random() * longestPauseMs);
    const ports = stop(victim);
    const ended = victim.kill();
    killings.push({ at: performance.now(), ports });
    const restart = (async () => {
      await ended;
      slots[slot] = await world.start({ dataDir });
      restarts.delete(slot);
    })();
    restarts.set(slot, restart);
  }
  await Promise.all(restarts.values());
  return killings;
}

/** It runs no further, and its connections are as they will be found. */
function stop({ pid }: Service): Set<number> {
  if (pid === undefined) throw new Error('the process was never started');
  process.kill(pid, 'SIGSTOP');
  return portsOf(pid);
}

/** `works` where it can be refreshed here and now; else why not. */
async function condition({ api }: Service, connection: FaultConnection, { path }: ImportedGrant): Promise<string> {
  const subject = new URL(path, 'http://broker').searchParams.get('subject');
  const refreshed = await api.post(`${connection.path}/refresh`, { subject });
  if (refreshed.status !== 200) return String(refreshed.body.status_reason ?? refreshed.text);
  const { status, body, text } = await api.get(path);
  return status === 200 && (await world.provider.accepts(body.access_token)) ? 'works' : text;
}

/** By the provider's own log: it gave new tokens, a process was killed, the old token came again; and the new ones were never seen. */
function explain({ path, refreshToken }: ImportedGrant, killings: readonly Kill[], seen: ReadonlySet<string>): void {
  const lost = chainOf(refreshToken).at(-1);
  const again = world.gate.exchanges.find((one) => one.presented === lost?.presented && one !== lost);
  if (lost?.answeredAt === undefined || again === undefined) {
    throw new Error(
      `${path} is labelled although no answer of the provider was lost: ${JSON.stringify({ lost, again })}`,
    );
  }
  expect(
    senderWasKilled(lost, again, killings),
    `${path} was interrupted between ${lost.arrivedAt} and ${again.arrivedAt}, and its sender was not killed`,
  ).toBe(true);
  expect(seen.has(lost.accessToken ?? ''), `a token of ${path} was served before it was durable`).toBe(false);
}

/** Whether whoever held the connection of the one exchange was killed before the other. */
function senderWasKilled(one: Exchange, other: Exchange, killings: readonly Kill[]): boolean {
  return killings.some(
    ({ at, ports }) =>
      at >= one.arrivedAt - latestReadMs && at <= other.arrivedAt && ports.has(one.senderPort ?? Number.NaN),
  );
}

/** The exchanges of one grant that the provider answered with new tokens, each with the token of the one before. */
function chainOf(refreshToken: string): Exchange[] {
  const chain: Exchange[] = [];
  let token: string | undefined = refreshToken;
  for (const exchange of world.gate.exchanges) {
    if (exchange.presented !== token || exchange.status !== 200) continue;
    chain.push(exchange);
    token = exchange.rotatedTo;
  }
  return chain;
}

/** A token is presented again only where the process that presented it first was killed. */
function expectNoBlindRepetition(killings: readonly Kill[]): void {
  const firsts = new Map<string, Exchange>();
  for (const exchange of world.gate.exchanges) {
    const { presented } = exchange;
    const earlier = presented === null ? undefined : firsts.get(presented);
    if (earlier !== undefined) {
      const reason = senderWasKilled(earlier, exchange, killings);
      expect(reason, 'a refresh token was sent twice, and its first sender was not killed in between').toBe(true);
    }
    if (presented !== null) firsts.set(presented, exchange);
  }
}
