import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { defaultEndpointConcurrency } from '../../src/oauth/gateway.ts';
import { shareOf } from '../../src/oauth/throttling/fair-share.ts';
import { insertDueGrants } from '../support/faults/due-grants.ts';
import { addConnection, type FaultWorld, importForeignGrant, openFaultWorld } from '../support/faults/world.ts';
import { type HostileProvider, startHostileProvider, tokens } from '../support/provider/hostile-provider.ts';

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
/** 1000 ms: much longer than a reader needs to enter the queue, much shorter than it waits there. */
const arrivalMs = 1_000;
/** Refreshes of a sweep that one organisation may have in a process at once: a quarter of 100 places. */
const sweptAtOnce = 25;
/** Calls that one organisation may have at an endpoint while no other waits. */
const places = shareOf(defaultEndpointConcurrency, false);

test('at an endpoint that a sweep keeps busy, calls that readers wait for go first, even for a grant that the sweep has queued', async () => {
  const tokenUrl = `${provider.origin}/token`;
  const release: (() => void)[] = [];
  provider.script('/token', (response) => release.push(() => tokens('at-new', 'rt-new')(response)));
  const sent = () => provider.received.map(({ body }) => new URLSearchParams(body).get('refresh_token'));
  const api = await world.start({ env: { ROLE: 'api' } });
  const swept = await addConnection(world, api, { token_url: tokenUrl });
  await insertDueGrants(world, swept, 3 * sweptAtOnce);

  const service = await world.start();
  const leased = () => world.sql<{ id: string }>('select id from grants where lease_owner is not null order by id');
  await expect.poll(async () => (await leased()).length, patience).toBe(sweptAtOnce);
  await expect.poll(() => release.length, patience).toBe(places);
  const other = await importForeignGrant(world, service, { tokenUrl, name: 'read' });
  const last = (await leased()).findLast(({ id }) => !sent().includes(`rt-${id}`));
  const responses = [service.api.get(other.path)];
  await expect.poll(async () => (await leased()).length, patience).toBe(sweptAtOnce + 1);
  await sleep(arrivalMs);
  responses.push(service.api.get(`${swept.credential}?subject=${last?.id}`));
  await sleep(arrivalMs);

  for (const _ of responses) release.shift()?.();
  await expect.poll(() => provider.received.length, patience).toBe(places + responses.length);
  expect(sent().slice(-responses.length).toSorted()).toEqual([`rt-${last?.id}`, other.refreshToken].toSorted());
  provider.script('/token', tokens('at-newer', 'rt-newer'));
  for (const each of release) each();
  for (const response of responses)
    expect(await response).toMatchObject({ status: 200, body: { access_token: 'at-new' } });
});
