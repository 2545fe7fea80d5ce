import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Exchange } from '../support/faults/gate.ts';
import { type FaultPostgres, startFaultPostgres } from '../support/faults/postgres.ts';
import { portsOf } from '../support/faults/sockets.ts';
import {
  addConnection,
  type FaultConnection,
  type FaultWorld,
  type ImportedGrant,
  importGrant,
  openFaultWorld,
  type Service,
  type WorldOptions,
} from '../support/faults/world.ts';

const processes = 4;
const liveGrants = 60;
const loops = 40;
/** Upper bound on responses of a process before it is killed. */
const maxResponses = 30;
const workLimitMs = 10_000;
const longestPauseMs = 50;
const longestLatencyMs = 20;
/** Bytes that a killed process had sent may be read by a busy provider up to this much later. */
const latestReadMs = 2_000;

let postgres: FaultPostgres;
let world: FaultWorld;
let dataDir: string;
let first: Service;

/** Declares the test of processes that are killed during refreshes. */
export function testKills(killCount: number, options: WorldOptions = {}): void {
  beforeAll(async () => {
    postgres = await startFaultPostgres();
    // Lifetimes of 6 s keep tokens due for refresh, so at any time some process is between request and commit.
    world = await openFaultWorld({
      ...options,
      databaseUrl: postgres.url,
      lifetimes: { accessTokenSeconds: 6 },
      // A short timeout frees readers of a grant whose process was killed, so that they read another grant.
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

  test(`${killCount} kills with SIGKILL at random points under load: every grant works, or reports rotation_interrupted after a kill lost its token response`, async () => {
    const connection = await addConnection(world, first);
    const slots = [
      first,
      ...(await Promise.all(Array.from({ length: processes - 1 }, () => world.start({ dataDir })))),
    ];
    const latency = () => sleep(Math.random() * longestLatencyMs);
    Object.assign(world.gate, { before: latency, after: latency });

    const load = createLoad(connection, slots);
    await load.fill();
    const kills = await killAtRandom(killCount, slots, load.waitForResponses);
    await load.end();
    Object.assign(world.gate, { before: async () => {}, after: async () => {} });

    for (const { isRunning, logs } of slots) expect(isRunning(), logs().slice(-2000)).toBe(true);
    const survivor = slots[0];
    if (survivor === undefined) throw new Error('no process is left');
    const outcome = { works: 0, rotation_interrupted: 0 };
    for (const grant of load.grants) {
      const state = await stateOf(survivor, connection, grant);
      expect(Object.keys(outcome), `${grant.path} is ${state}`).toContain(state);
      if (state === 'rotation_interrupted') expectLostResponse(grant, kills, load.seen);
      outcome[state as keyof typeof outcome] += 1;
    }
    const refreshes = world.gate.exchanges.filter(({ status }) => status === 200).length;
    process.stdout.write(
      `${killCount} kills during ${refreshes} refreshes of ${load.grants.length} grants: ${outcome.works} work, ${outcome.rotation_interrupted} report rotation_interrupted. For each of those the provider responded to a refresh, and the process was killed before it stored the response. No caller received a token of that response.\n`,
    );
    expectNoBlindRepetition(kills);
    expect(refreshes).toBeGreaterThan(killCount);
  });
}

interface Kill {
  at: number;
  /** Local ports of the connections that the process had when it was killed. */
  ports: ReadonlySet<number>;
}

/** Reads random grants at running processes, and replaces each interrupted grant by a new one. */
function createLoad(connection: FaultConnection, slots: Service[]) {
  const grants: ImportedGrant[] = [];
  const live = new Map<string, ImportedGrant>();
  const seen = new Set<string>();
  const responses = new Map<Service, number>();
  let isOver = false;

  const pick = <T>(from: readonly T[]): T | undefined => from[Math.floor(Math.random() * from.length)];
  const running = () => pick(slots.filter((slot) => slot.isRunning()));

  async function addGrant(): Promise<void> {
    const service = running();
    if (service === undefined) return;
    const subject = `s${grants.length + live.size}-${Math.random().toString(36).slice(2)}`;
    const grant = await importGrant(world, service, connection, { subject });
    grants.push(grant);
    live.set(grant.path, grant);
  }

  async function readGrant(): Promise<void> {
    const service = running();
    const grant = pick([...live.values()]);
    if (service === undefined || grant === undefined) return void (await sleep(5));
    const { status, body } = await service.api.get(grant.path);
    if (status === 200) {
      seen.add(body.access_token);
      responses.set(service, (responses.get(service) ?? 0) + 1);
    }
    if (body.status_reason === 'rotation_interrupted') live.delete(grant.path);
    if (live.size < liveGrants) await addGrant();
  }

  async function loop(): Promise<void> {
    // Requests to a process that is killed fail: that is part of the load.
    while (!isOver) await readGrant().catch(() => sleep(5));
  }

  let readers: Promise<void>[] = [];
  return {
    grants,
    seen,
    /** Waits until the process has served a random number of further responses. */
    waitForResponses: async (service: Service): Promise<void> => {
      const wanted = Math.random() * maxResponses;
      const until = performance.now() + workLimitMs;
      while ((responses.get(service) ?? 0) < wanted && performance.now() < until) await sleep(5);
    },
    fill: async () => {
      while (grants.length < liveGrants) await addGrant();
      readers = Array.from({ length: loops }, loop);
    },
    end: async () => {
      isOver = true;
      await Promise.all(readers);
    },
  };
}

/** Kills one process after another; each restarts while the next is killed. Resolves to the kills when all processes run again. */
async function killAtRandom(
  killCount: number,
  slots: Service[],
  waitForResponses: (service: Service) => Promise<void>,
): Promise<Kill[]> {
  const kills: Kill[] = [];
  const restarts = new Map<number, Promise<void>>();
  while (kills.length < killCount) {
    const ready = [...slots.keys()].filter((slot) => !restarts.has(slot));
    const slot = ready[Math.floor(Math.random() * ready.length)];
    if (slot === undefined) {
      await Promise.race(restarts.values());
      continue;
    }
    const victim = slots[slot];
    if (victim === undefined) throw new Error('no process to kill');
    await waitForResponses(victim);
    await sleep(Math.random() * longestPauseMs);
    const ports = pause(victim);
    const ended = victim.kill();
    kills.push({ at: performance.now(), ports });
    const restart = (async () => {
      await ended;
      slots[slot] = await world.start({ dataDir });
      restarts.delete(slot);
    })();
    restarts.set(slot, restart);
  }
  await Promise.all(restarts.values());
  return kills;
}

/** Pauses the process and returns the ports of its connections, which then cannot change before the kill. */
function pause({ pid }: Service): Set<number> {
  if (pid === undefined) throw new Error('the process was never started');
  process.kill(pid, 'SIGSTOP');
  return portsOf(pid);
}

/** Returns `works` if the grant can be refreshed and its token is accepted, otherwise the reason. */
async function stateOf({ api }: Service, connection: FaultConnection, { path }: ImportedGrant): Promise<string> {
  const subject = new URL(path, 'http://broker').searchParams.get('subject');
  const refreshed = await api.post(`${connection.path}/refresh`, { subject });
  if (refreshed.status !== 200) return String(refreshed.body.status_reason ?? refreshed.text);
  const { status, body, text } = await api.get(path);
  return status === 200 && (await world.provider.accepts(body.access_token)) ? 'works' : text;
}

/**
 * Checks a grant that reports rotation_interrupted against the provider's log. The provider issued new tokens, the
 * calling process was killed, and another process sent the old token again. No reader received the new tokens.
 */
function expectLostResponse(
  { path, refreshToken }: ImportedGrant,
  kills: readonly Kill[],
  seen: ReadonlySet<string>,
): void {
  const lost = chainOf(refreshToken).at(-1);
  const repeated = world.gate.exchanges.find((exchange) => exchange.presented === lost?.presented && exchange !== lost);
  if (lost?.respondedAt === undefined || repeated === undefined) {
    throw new Error(
      `${path} reports rotation_interrupted although no token response was lost: ${JSON.stringify({ lost, repeated })}`,
    );
  }
  expect(
    senderWasKilled(lost, repeated, kills),
    `${path} was interrupted between ${lost.arrivedAt} and ${repeated.arrivedAt}, and its sender was not killed`,
  ).toBe(true);
  expect(seen.has(lost.accessToken ?? ''), `a token of ${path} was served before it was durable`).toBe(false);
}

/** Tells whether the process that sent the first exchange was killed before the second. */
function senderWasKilled(earlier: Exchange, later: Exchange, kills: readonly Kill[]): boolean {
  return kills.some(
    ({ at, ports }) =>
      at >= earlier.arrivedAt - latestReadMs && at <= later.arrivedAt && ports.has(earlier.senderPort ?? Number.NaN),
  );
}

/** Successful exchanges of one grant in order. Each presents the refresh token that the previous one issued. */
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

/**
 * A refresh token may be sent twice only if the process that sent it first was killed in between, or if the provider
 * refused it: a refused token is tried again later and on demand.
 */
function expectNoBlindRepetition(kills: readonly Kill[]): void {
  const firsts = new Map<string, Exchange>();
  for (const exchange of world.gate.exchanges) {
    const { presented } = exchange;
    const earlier = presented === null ? undefined : firsts.get(presented);
    if (earlier !== undefined && earlier.status !== 400) {
      const reason = senderWasKilled(earlier, exchange, kills);
      expect(reason, 'a refresh token was sent twice, and its first sender was not killed in between').toBe(true);
    }
    if (presented !== null) firsts.set(presented, exchange);
  }
}
