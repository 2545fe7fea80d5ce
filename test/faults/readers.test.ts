import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  addConnection,
  changeGrant,
  type FaultWorld,
  importGrant,
  openFaultWorld,
  type Service,
} from '../support/faults/world.ts';

let world: FaultWorld;
let services: Service[];
beforeAll(async () => {
  world = await openFaultWorld();
  const first = await world.start();
  services = [first, ...(await Promise.all([world.start(), world.start()]))];
});
afterAll(() => world?.close());

const rounds = 10;
const readers = 300;

test('300 readers of one expired grant at 3 processes share one token request, ten times in a row', async () => {
  const [first] = services;
  if (first === undefined) throw new Error('no service');
  const connection = await addConnection(world, first);
  for (let round = 0; round < rounds; round++) {
    const grant = await importGrant(world, first, connection, { subject: `reader-${round}` });
    const before = world.gate.exchanges.length;
    const responses = await Promise.all(
      Array.from({ length: readers }, (_, index) => services[index % services.length]?.api.get(grant.path)),
    );
    const statuses = responses.map((response) => response?.status);
    expect(statuses, `round ${round}`).toEqual(Array(readers).fill(200));
    const tokens = [...new Set(responses.map((response) => response?.body.access_token ?? ''))];
    expect(tokens).toHaveLength(1);
    expect(await world.provider.accepts(tokens[0] ?? '')).toBe(true);
    expect(world.gate.exchanges.slice(before)).toMatchObject([{ presented: grant.refreshToken, status: 200 }]);
  }
});

test('a ten-minute token with two thirds of its life left is read 300 times at 3 processes without a token request', async () => {
  const [first] = services;
  if (first === undefined) throw new Error('no service');
  const connection = await addConnection(world, first);
  const grant = await importGrant(world, first, connection, { expiresIn: 400 });
  await changeGrant(world, grant.id, 'lifetime_seconds = 600');
  const responses = await Promise.all(
    Array.from({ length: readers }, (_, index) => services[index % services.length]?.api.get(grant.path)),
  );
  expect(new Set(responses.map((response) => response?.body.access_token))).toEqual(new Set([grant.accessToken]));
  expect(world.gate.exchanges.filter(({ presented }) => presented === grant.refreshToken)).toEqual([]);
});
