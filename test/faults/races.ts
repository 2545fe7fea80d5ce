import { afterAll, beforeAll, expect, test } from 'vitest';
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

/** Declares the tests of changes that meet a refresh in flight. */
export function testRaces(options: WorldOptions = {}): void {
  let world: FaultWorld;
  /** This process refreshes; the process `changing` changes the same grant or connection during the refresh. */
  let refreshing: Service;
  let changing: Service;
  beforeAll(async () => {
    world = await openFaultWorld(options);
    refreshing = await world.start();
    changing = await world.start();
  });
  afterAll(() => world?.close());

  /** Runs `change` at another process after the provider has rotated the token and before the token response arrives. */
  async function race(change: (connection: FaultConnection, grant: ImportedGrant) => Promise<unknown>) {
    const connection = await addConnection(world, refreshing);
    const grant = await importGrant(world, refreshing, connection);
    const before = world.gate.exchanges.length;
    const held = world.gate.holdResponses();
    const reading = refreshing.api.get(grant.path);
    await held.responded;
    const changed = await change(connection, grant);
    held.release();
    const response = await reading;
    const [exchange, ...others] = world.gate.exchanges.slice(before);
    expect(others, 'the token was sent once').toEqual([]);
    const rows = await world.sql<Record<string, unknown>>(
      'select status, status_reason, sealed_tokens is not null as has_tokens, lease_owner, refresh_started_at from grants where id = $1',
      [grant.id],
    );
    return { connection, grant, changed, response, exchange, rows };
  }

  const noLease = { lease_owner: null, refresh_started_at: null };

  test('a grant deleted during its refresh does not come back', async () => {
    const { grant, response, rows, connection } = await race((connection, { id }) =>
      changing.api.delete(`${connection.path}/grants/${id}`),
    );
    expect(rows).toEqual([]);
    expect(response).toMatchObject({ status: 404, body: { code: 'grant_not_found' } });
    for (const { api } of [refreshing, changing])
      expect(await api.get(grant.path)).toMatchObject({ status: 503, body: { code: 'connection_not_ready' } });
    expect((await changing.api.get(`${connection.path}/grants`)).text).not.toContain(grant.id);
  });

  test('a connection deleted during a refresh of its grant does not come back', async () => {
    const { connection, response, rows } = await race(({ path }) => changing.api.delete(path));
    expect(rows).toEqual([]);
    expect(response.status).toBe(404);
    for (const { api } of [refreshing, changing]) expect((await api.get(connection.path)).status).toBe(404);
  });

  test('a grant revoked during its refresh stays revoked, and its new token is never served', async () => {
    const { grant, response, rows } = await race(({ path }) => changing.api.post(`${path}/revoke`));
    expect(rows).toEqual([{ status: 'failed', status_reason: 'revoked', has_tokens: false, ...noLease }]);
    for (const fetched of [response, await refreshing.api.get(grant.path), await changing.api.get(grant.path)])
      expect(fetched).toMatchObject({ status: 503, body: { code: 'connection_not_ready', status_reason: 'revoked' } });
  });

  test('an edit of a connection during a refresh is kept, and so is the refreshed token', async () => {
    const { connection, response, exchange, rows } = await race(({ path }) =>
      changing.api.patch(path, { description: 'edited meanwhile' }),
    );
    expect(response).toMatchObject({ status: 200, body: { access_token: exchange?.accessToken } });
    expect((await refreshing.api.get(connection.path)).body).toMatchObject({ description: 'edited meanwhile' });
    expect(rows).toEqual([{ status: 'completed', status_reason: null, has_tokens: true, ...noLease }]);
  });

  test('a client secret changed during a refresh keeps the refreshed token', async () => {
    const { response, exchange, rows } = await race(({ path, clientSecret }) =>
      changing.api.patch(path, { client_secret: clientSecret }),
    );
    expect(response).toMatchObject({ status: 200, body: { access_token: exchange?.accessToken } });
    expect(rows).toMatchObject([{ status: 'completed', has_tokens: true }]);
  });

  test('an edit that drops tokens during a refresh drops the refreshed tokens too', async () => {
    const { grant, response, rows } = await race(({ path, clientSecret }) =>
      changing.api.patch(`${path}?confirm_disconnect=true`, {
        token_url: `${world.gate.url}?moved`,
        client_secret: clientSecret,
      }),
    );
    expect(rows).toEqual([
      { status: 'not_connected', status_reason: 'configuration_changed', has_tokens: false, ...noLease },
    ]);
    for (const fetched of [response, await refreshing.api.get(grant.path), await changing.api.get(grant.path)])
      expect(fetched).toMatchObject({ status: 503, body: { status_reason: 'configuration_changed' } });
  });

  test('a reconnect during a refresh wins: its tokens are served, and the refreshed ones are dropped', async () => {
    const { grant, response, rows, changed } = await race((connection) =>
      importGrant(world, changing, connection, { expiresIn: 3600 }),
    );
    const { accessToken } = changed as ImportedGrant;
    expect(rows).toEqual([{ status: 'completed', status_reason: null, has_tokens: true, ...noLease }]);
    for (const fetched of [response, await refreshing.api.get(grant.path), await changing.api.get(grant.path)])
      expect(fetched).toMatchObject({ status: 200, body: { access_token: accessToken } });
  });
}
