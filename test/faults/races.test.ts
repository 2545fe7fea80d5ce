import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  addConnection,
  type FaultConnection,
  type FaultWorld,
  type ImportedGrant,
  importGrant,
  openFaultWorld,
  type Service,
} from '../support/fault-world.ts';

let world: FaultWorld;
/** Refreshes, while the other one changes what is being refreshed. */
let refreshing: Service;
let changing: Service;
beforeAll(async () => {
  world = await openFaultWorld();
  refreshing = await world.start();
  changing = await world.start();
});
afterAll(() => world?.close());

/** The provider has rotated the token, `change` happens at another process, and only then the answer arrives. */
async function race(change: (connection: FaultConnection, grant: ImportedGrant) => Promise<unknown>) {
  const connection = await addConnection(world, refreshing);
  const grant = await importGrant(world, refreshing, connection);
  const before = world.gate.exchanges.length;
  const held = world.gate.holdAnswers();
  const reading = refreshing.api.get(grant.path);
  await held.answered;
  const changed = await change(connection, grant);
  held.release();
  const answer = await reading;
  const [exchange, ...others] = world.gate.exchanges.slice(before);
  expect(others, 'the token was sent once').toEqual([]);
  const rows = await world.sql<Record<string, unknown>>(
    'select status, status_reason, sealed_tokens is not null as has_tokens, lease_owner, refresh_started_at from grants where id = $1',
    [grant.id],
  );
  return { connection, grant, changed, answer, exchange, rows };
}

const free = { lease_owner: null, refresh_started_at: null };

test('a grant deleted during its refresh does not come back', async () => {
  const { grant, answer, rows, connection } = await race((connection, { id }) =>
    changing.api.delete(`${connection.path}/grants/${id}`),
  );
  expect(rows).toEqual([]);
  expect(answer).toMatchObject({ status: 404, body: { code: 'grant_not_found' } });
  for (const { api } of [refreshing, changing])
    expect(await api.get(grant.path)).toMatchObject({ status: 503, body: { code: 'connection_not_ready' } });
  expect((await changing.api.get(`${connection.path}/grants`)).text).not.toContain(grant.id);
});

test('a connection deleted during a refresh below it does not come back', async () => {
  const { connection, answer, rows } = await race(({ path }) => changing.api.delete(path));
  expect(rows).toEqual([]);
  expect(answer.status).toBe(404);
  for (const { api } of [refreshing, changing]) expect((await api.get(connection.path)).status).toBe(404);
});

test('a grant revoked during its refresh stays revoked, and the new token is shown to nobody', async () => {
  const { grant, answer, rows } = await race(({ path }) => changing.api.post(`${path}/revoke`));
  expect(rows).toEqual([{ status: 'failed', status_reason: 'revoked', has_tokens: false, ...free }]);
  for (const seen of [answer, await refreshing.api.get(grant.path), await changing.api.get(grant.path)])
    expect(seen).toMatchObject({ status: 503, body: { code: 'connection_not_ready', status_reason: 'revoked' } });
});

test('an edit made during a refresh is not undone, and the refresh is not lost', async () => {
  const { connection, answer, exchange, rows } = await race(({ path }) =>
    changing.api.patch(path, { description: 'edited meanwhile' }),
  );
  expect(answer).toMatchObject({ status: 200, body: { access_token: exchange?.accessToken } });
  expect((await refreshing.api.get(connection.path)).body).toMatchObject({ description: 'edited meanwhile' });
  expect(rows).toEqual([{ status: 'completed', status_reason: null, has_tokens: true, ...free }]);
});

test('a new client secret set during a refresh leaves the refreshed token where it is', async () => {
  const { answer, exchange, rows } = await race(({ path, clientSecret }) =>
    changing.api.patch(path, { client_secret: clientSecret }),
  );
  expect(answer).toMatchObject({ status: 200, body: { access_token: exchange?.accessToken } });
  expect(rows).toMatchObject([{ status: 'completed', has_tokens: true }]);
});

test('an edit that drops the tokens during a refresh drops the refreshed ones, too', async () => {
  const { grant, answer, rows } = await race(({ path, clientSecret }) =>
    changing.api.patch(path, { token_url: `${world.gate.url}?moved`, client_secret: clientSecret }),
  );
  expect(rows).toEqual([
    { status: 'not_connected', status_reason: 'configuration_changed', has_tokens: false, ...free },
  ]);
  for (const seen of [answer, await refreshing.api.get(grant.path), await changing.api.get(grant.path)])
    expect(seen).toMatchObject({ status: 503, body: { status_reason: 'configuration_changed' } });
});

test('a reconnect during a refresh wins: its tokens are served, and those of the refresh are not', async () => {
  const { grant, answer, rows, changed } = await race((connection) =>
    importGrant(world, changing, connection, { expiresIn: 3600 }),
  );
  const { accessToken } = changed as ImportedGrant;
  expect(rows).toEqual([{ status: 'completed', status_reason: null, has_tokens: true, ...free }]);
  for (const seen of [answer, await refreshing.api.get(grant.path), await changing.api.get(grant.path)])
    expect(seen).toMatchObject({ status: 200, body: { access_token: accessToken } });
});
