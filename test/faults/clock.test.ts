import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  addConnection,
  type FaultConnection,
  type FaultWorld,
  importGrant,
  openFaultWorld,
  type Service,
} from '../support/faults/world.ts';

const twoMinutesMs = 120_000;

let world: FaultWorld;
let exact: Service;
let ahead: Service;
let behind: Service;
let connection: FaultConnection;
beforeAll(async () => {
  world = await openFaultWorld();
  exact = await world.start();
  [ahead, behind] = await Promise.all([
    world.start({ clockOffsetMs: twoMinutesMs }),
    world.start({ clockOffsetMs: -twoMinutesMs }),
  ]);
  connection = await addConnection(world, exact);
});
afterAll(() => world?.close());

test('each process logs the time of its own clock: exact, two minutes ahead, two minutes behind', () => {
  for (const [service, offsetMs] of [
    [exact, 0],
    [ahead, twoMinutesMs],
    [behind, -twoMinutesMs],
  ] as const) {
    const line =
      service
        .logs()
        .split('\n')
        .findLast((text) => text.startsWith('{')) ?? '{}';
    const aheadMs = Date.parse(String(JSON.parse(line).time)) - Date.now();
    expect(Math.abs(aheadMs - offsetMs)).toBeLessThan(twoMinutesMs / 2);
  }
});

test('the expiry of a token does not depend on the clock of the process that refreshed it', async () => {
  const grant = await importGrant(world, exact, connection, { subject: 'dated', expiresIn: -300 });
  const leftMs: number[] = [];
  for (const service of [exact, ahead, behind]) {
    await service.api.post(`${connection.path}/refresh`, { subject: 'dated' });
    const { body } = await exact.api.get(grant.path);
    leftMs.push(Date.parse(String(body.expires_at)) - Date.now());
  }
  expect(Math.max(...leftMs) - Math.min(...leftMs)).toBeLessThan(twoMinutesMs / 2);
});

test('processes whose clocks are two minutes apart share one token request', async () => {
  const grant = await importGrant(world, exact, connection, { subject: 'shared', expiresIn: -300 });
  const before = world.gate.exchanges.length;
  // 3 s: longer than the interval at which a waiting reader checks again, so all three processes see the lease.
  world.gate.before = () => sleep(3_000);
  const responses = await Promise.all(
    Array.from({ length: 60 }, (_, index) => [exact, ahead, behind][index % 3]?.api.get(grant.path)),
  );
  world.gate.before = async () => {};
  expect(responses.map((response) => response?.status)).toEqual(Array(60).fill(200));
  expect(new Set(responses.map((response) => response?.body.access_token)).size).toBe(1);
  expect(world.gate.exchanges.slice(before)).toHaveLength(1);
});

test('processes with different clocks refresh in turn: no refresh token is sent twice, and each serves a live token', async () => {
  const grant = await importGrant(world, exact, connection, { subject: 'in-turn', expiresIn: -300 });
  const before = world.gate.exchanges.length;
  for (let turn = 0; turn < 12; turn++) {
    const service = [ahead, behind, exact][turn % 3];
    await service?.api.post(`${connection.path}/refresh`, { subject: 'in-turn' });
    const responses = await Promise.all([exact, ahead, behind].map(({ api }) => api.get(grant.path)));
    for (const { status, body } of responses) {
      expect(status).toBe(200);
      expect(await world.provider.accepts(body.access_token)).toBe(true);
    }
  }
  const presented = world.gate.exchanges.slice(before).map((exchange) => exchange.presented);
  expect(new Set(presented).size).toBe(presented.length);
});
