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
/** Far more than a reader takes to its place in the line, far less than anybody waits there. */
const arrivalMs = 1_000;

test('at an endpoint that a sweep keeps busy the next call is the one that a reader waits for, also where the sweep was about to make it', async () => {
  const tokenUrl = `${provider.origin}/token`;
  const release: (() => void)[] = [];
  provider.script('/token', (response) => release.push(() => tokens('at-new', 'rt-new')(response)));
  const sent = () => provider.received.map(({ body }) => new URLSearchParams(body).get('refresh_token'));
  const api = await world.start({ env: { ROLE: 'api' } });
  const swept = await addConnection(world, api, { token_url: tokenUrl });
  const due = 3 * defaultEndpointConcurrency;
  await insertDueGrants(world, swept, due);

  const service = await world.start();
  const leased = () => world.sql<{ id: string }>('select id from grants where lease_owner is not null order by id');
  await expect.poll(async () => (await leased()).length, patience).toBe(due);
  await expect.poll(() => release.length, patience).toBe(defaultEndpointConcurrency);
  const other = await importForeignGrant(world, service, { tokenUrl, name: 'read' });
  const last = (await leased()).findLast(({ id }) => !sent().includes(`rt-${id}`));
  const answers = [service.api.get(other.path)];
  await expect.poll(async () => (await leased()).length, patience).toBe(due + 1);
  await sleep(arrivalMs);
  answers.push(service.api.get(`${swept.credential}?subject=${last?.id}`));
  await sleep(arrivalMs);

  for (const _ of answers) release.shift()?.();
  await expect.poll(() => provider.received.length, patience).toBe(defaultEndpointConcurrency + answers.length);
  expect(sent().slice(-answers.length).toSorted()).toEqual([`rt-${last?.id}`, other.refreshToken].toSorted());
  provider.script('/token', tokens('at-newer', 'rt-newer'));
  for (const each of release) each();
  for (const answer of answers) expect(await answer).toMatchObject({ status: 200, body: { access_token: 'at-new' } });
});
