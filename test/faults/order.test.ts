import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { defaultEndpointConcurrency } from '../../src/oauth/gateway.ts';
import { insertDueGrants } from '../support/fault-due-grants.ts';
import { addConnection, type FaultWorld, importForeignGrant, openFaultWorld } from '../support/fault-world.ts';
import { type HostileProvider, startHostileProvider, tokens } from '../support/hostile-provider.ts';

let world: FaultWorld;
let provider: HostileProvider;
beforeAll(async () => {
  provider = await startHostileProvider();
  world = await openFaultWorld();
  await world.migrate();
});
afterAll(async () => {
  await world?.close();
  await provider?.close();
});

const patience = { timeout: 20_000, interval: 20 };
/** From the lease in the row to the place in the line: a few turns of a process that has nothing else to do. */
const arrivalMs = 200;

test('at an endpoint that a sweep keeps busy the next call is the one that a reader waits for', async () => {
  const tokenUrl = `${provider.origin}/token`;
  const release: (() => void)[] = [];
  provider.script('/token', (response) => release.push(() => tokens('at-new', 'rt-new')(response)));
  const api = await world.start({ env: { ROLE: 'api' } });
  const due = 3 * defaultEndpointConcurrency;
  await insertDueGrants(world, await addConnection(world, api, { token_url: tokenUrl }), due);

  const service = await world.start();
  const leases = async () => (await world.sql('select from grants where lease_owner is not null')).length;
  await expect.poll(leases, patience).toBe(due);
  await expect.poll(() => release.length, patience).toBe(defaultEndpointConcurrency);
  const grant = await importForeignGrant(world, service, { tokenUrl, name: 'read' });
  const answer = service.api.get(grant.path);
  await expect.poll(leases, patience).toBe(due + 1);
  await sleep(arrivalMs);

  release.shift()?.();
  await expect.poll(() => provider.received.length, patience).toBe(defaultEndpointConcurrency + 1);
  expect(provider.form().get('refresh_token')).toBe(grant.refreshToken);
  provider.script('/token', tokens('at-newer', 'rt-newer'));
  for (const each of release) each();
  expect(await answer).toMatchObject({ status: 200, body: { access_token: 'at-new' } });
});
