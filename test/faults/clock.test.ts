import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  addConnection,
  type FaultConnection,
  type FaultWorld,
  importGrant,
  openFaultWorld,
  type Service,
} from '../support/fault-world.ts';

const twoMinutesMs = 120_000;

let world: FaultWorld;
let right: Service;
let ahead: Service;
let behind: Service;
let connection: FaultConnection;
beforeAll(async () => {
  world = await openFaultWorld();
  right = await world.start();
  [ahead, behind] = await Promise.all([
    world.start({ clockOffsetMs: twoMinutesMs }),
    world.start({ clockOffsetMs: -twoMinutesMs }),
  ]);
  connection = await addConnection(world, right);
});
afterAll(() => world?.close());

test('the clocks are as this suite says', () => {
  for (const [service, offsetMs] of [
    [right, 0],
    [ahead, twoMinutesMs],
    [behind, -twoMinutesMs],
  ] as const) {
    const line =
      service
        .logs()
        .split('\n')
        .findLast((text) => text.startsWith('{')) ?? '{}';
    const shownMs = Date.parse(String(JSON.parse(line).time)) - Date.now();
    expect(Math.abs(shownMs - offsetMs)).toBeLessThan(twoMinutesMs / 2);
  }
});

test('a token is said to live as long, whichever clock was there when it came', async () => {
  const grant = await importGrant(world, right, connection, { subject: 'dated', expiresIn: -300 });
  const leftMs: number[] = [];
  for (const service of [right, ahead, behind]) {
    await service.api.post(`${connection.path}/refresh`, { subject: 'dated' });
    const { body } = await right.api.get(grant.path);
    leftMs.push(Date.parse(String(body.expires_at)) - Date.now());
  }
  expect(Math.max(...leftMs) - Math.min(...leftMs)).toBeLessThan(twoMinutesMs / 2);
});

test('processes whose clocks are two minutes apart share one token request', async () => {
  const grant = await importGrant(world, right, connection, { subject: 'shared', expiresIn: -300 });
  const before = world.gate.exchanges.length;
  // Longer than a reader takes to look again, and a lease is looked at by all three meanwhile.
  world.gate.before = () => sleep(3_000);
  const answers = await Promise.all(
    Array.from({ length: 60 }, (_, index) => [right, ahead, behind][index % 3]?.api.get(grant.path)),
  );
  world.gate.before = async () => {};
  expect(answers.map((answer) => answer?.status)).toEqual(Array(60).fill(200));
  expect(new Set(answers.map((answer) => answer?.body.access_token)).size).toBe(1);
  expect(world.gate.exchanges.slice(before)).toHaveLength(1);
});

test('whichever of them refreshes, no refresh token is sent twice and every process serves a live token', async () => {
  const grant = await importGrant(world, right, connection, { subject: 'in-turn', expiresIn: -300 });
  const before = world.gate.exchanges.length;
  for (let turn = 0; turn < 12; turn++) {
    const service = [ahead, behind, right][turn % 3];
    await service?.api.post(`${connection.path}/refresh`, { subject: 'in-turn' });
    const answers = await Promise.all([right, ahead, behind].map(({ api }) => api.get(grant.path)));
    for (const { status, body } of answers) {
      expect(status).toBe(200);
      expect(await world.provider.accepts(body.access_token)).toBe(true);
    }
  }
  const presented = world.gate.exchanges.slice(before).map((exchange) => exchange.presented);
  expect(new Set(presented).size).toBe(presented.length);
});
