import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBrowser } from '../support/browser/browser.ts';
import {
  addConnection,
  type FaultConnection,
  type FaultWorld,
  type ImportedGrant,
  importGrant,
  openFaultWorld,
  type Service,
} from '../support/faults/world.ts';
import { signIn } from '../support/oauth-server/sign-in.ts';

const rounds = 25;
const maxTries = 100;
/** Longest time in milliseconds by which one operation of a round begins after another. */
const spreadMs = 60;
/** A due revocation waits for the tick of its minute, and for the job behind it. */
const nextRun = { timeout: 120_000, interval: 500 };
const workflow = (round: number, n: number) => `w-${round}-${n}`;

let world: FaultWorld;
let processes: Service[];
beforeAll(async () => {
  world = await openFaultWorld();
  // The first one migrates the database.
  processes = [await world.start()];
  processes.push(await world.start(), await world.start());
});
afterAll(() => world?.close());

const at = (n: number): Service => processes[n % processes.length] as Service;
const pending = () =>
  world.sql<{ connection_name: string; attempts: number }>(
    'select connection_name, attempts from pending_revocations order by id',
  );
const makeDue = () => world.sql('update pending_revocations set next_try_at = now()');
const confirmed = ({ path }: Pick<FaultConnection, 'path'>) => `${path}?confirm_disable_workflows=true`;
const connectionId = async ({ name }: FaultConnection) =>
  (await world.sql<{ id: string }>('select id from connections where name = $1', [name]))[0]?.id ?? '';

/** Rows that belong to a connection, whether it exists or not. */
async function rowsOf(id: string) {
  const [counts] = await world.sql<Record<string, number>>(
    `select (select count(*)::int from connections where id = $1) as connections,
      (select count(*)::int from grants where connection_id = $1) as grants,
      (select count(*)::int from authorizations where connection_id = $1) as authorizations,
      (select count(*)::int from workflow_dependencies where connection_id = $1) as dependencies,
      (select count(*)::int from client_refusals where connection_id = $1) as refusals,
      (select count(*)::int from workflow_states where connection_id = $1) as states,
      (select count(*)::int from consents where connection_id = $1 and ended_at is null) as consents,
      (select count(*)::int from pending_revocations where connection_id = $1) as pending`,
    [id],
  );
  return counts;
}
const nothing = {
  connections: 0,
  grants: 0,
  authorizations: 0,
  dependencies: 0,
  refusals: 0,
  states: 0,
  consents: 0,
  pending: 0,
};

/** Goes to the provider with a browser. Returns the callback that brings the code, not yet requested. */
async function walkToCallback(service: Service, { clientId, path }: FaultConnection): Promise<() => Promise<unknown>> {
  await world.provider.addRedirectUri(clientId, (await service.api.get(path)).body.redirect_uri);
  const { body } = await service.api.post(`${path}/authorize`, { subject: 'person' });
  const browser = createBrowser();
  const page = await signIn(browser, body.authorization_url, { login: 'ada' }, (url) =>
    url.pathname.includes('/callback/'),
  );
  const { location } = page;
  if (location === null) throw new Error('the provider did not send the browser back');
  return () => browser.open(location.href);
}

describe('a deletion that meets everything else', () => {
  test('leaves no half state: the deleted connection is gone with all that was its, and the new one has nothing of it', async () => {
    const seen = { refreshed: 0, connected: 0, registered: 0, recreated: 0, imported: 0 };
    for (let round = 0; round < rounds; round++) {
      const connection = await addConnection(world, at(round));
      const id = await connectionId(connection);
      const grant = await importGrant(world, at(round), connection);
      const callback = await walkToCallback(at(round), connection);
      const before = world.gate.exchanges.length;
      const late = async <T>(work: () => Promise<T>): Promise<T> => {
        await sleep(randomInt(spreadMs));
        return work();
      };
      const register = (n: number) =>
        late(() =>
          at(n).api.post(`/workflows/${workflow(round, n)}/dependencies`, { connection_name: connection.name }),
        );
      const [deleted, fetched, registered, imported, , created] = await Promise.all([
        late(() => at(round + 1).api.delete(confirmed(connection))),
        Promise.all([0, 1, 2].map((n) => late(() => at(n).api.get(grant.path)))),
        Promise.all([0, 1, 2, 3].map(register)),
        late(() => importGrant(world, at(round), connection, { subject: 'late' })).catch(() => undefined),
        late(callback),
        late(() => recreate(at(round + 2), connection)),
      ]);
      expect(deleted.status, deleted.text).toBe(200);
      await expectWhole(round, { connection, id, grant, deleted, registered, before });
      // A fetch is served by the grant from before the deletion, or refused.
      for (const { status, text } of fetched) expect([200, 403, 404, 503], text).toContain(status);
      const exchanges = world.gate.exchanges.slice(before);
      seen.refreshed += Number(exchanges.some(({ grantType }) => grantType === 'refresh_token'));
      seen.connected += Number(exchanges.some(({ grantType }) => grantType === 'authorization_code'));
      seen.registered += registered.filter(({ status }) => status === 201).length;
      seen.recreated += Number(created === 201);
      seen.imported += Number(imported !== undefined);
    }
    // Every operation won and lost the race.
    for (const [name, count] of Object.entries(seen)) expect(count, name).toBeGreaterThan(0);
  });

  interface Raced {
    connection: FaultConnection;
    id: string;
    grant: ImportedGrant;
    deleted: { body: Record<string, unknown> };
    registered: { status: number }[];
    /** Exchanges at the provider before the round. */
    before: number;
  }

  async function expectWhole(round: number, { connection, id, grant, deleted, registered, before }: Raced) {
    await expect.poll(() => rowsOf(id)).toEqual(nothing);
    expect(await world.provider.accepts(grant.accessToken)).toBe(false);
    const newId = await connectionId(connection);
    const disabled = (deleted.body.disabled_workflows as { workflow_id: string }[]).map((each) => each.workflow_id);
    for (const [n, { status }] of registered.entries()) {
      const name = workflow(round, n);
      const { body } = await at(n).api.get(`/workflows/${name}`);
      expect(body.is_disabled).toBe(disabled.includes(name));
      if (body.is_disabled) expect(body.connection_name).toBe(connection.name);
      const dependencies = (await at(n).api.get(`/workflows/${name}/dependencies`)).body.dependencies as object[];
      // Registered before the deletion, or below the connection that was created again, or refused.
      expect(Number(disabled.includes(name)) + dependencies.length).toBe(Number(status === 201));
      if (dependencies.length > 0) expect(newId).not.toBe('');
    }
    for (const { api } of processes) {
      const { status, text } = await api.get(grant.path);
      expect([404, 503]).toContain(status);
      for (const { accessToken } of [grant, ...world.gate.exchanges.slice(before)]) {
        if (accessToken !== undefined) expect(text).not.toContain(accessToken);
      }
    }
    if (newId !== '') expect((await at(0).api.get(connection.path)).body).toMatchObject({ status: 'not_connected' });
  }

  /** Creates a connection of the same name, as often as it takes until the deleted one makes room. */
  async function recreate({ api }: Service, { name, clientId, clientSecret }: FaultConnection): Promise<number> {
    for (let tries = 1; ; tries++) {
      const { status } = await api.post('/connections', {
        connection_name: name,
        client_id: clientId,
        client_secret: clientSecret,
        authorization_url: world.provider.endpoints.authorization,
        token_url: world.gate.url,
        revocation_url: world.provider.endpoints.revocation,
      });
      if (status !== 409 || tries === maxTries) return status;
      await sleep(10);
    }
  }
});

describe('a revocation that the deletion does not reach the provider with', () => {
  test('a process killed between commit and revocation, and a provider that was down: both are revoked by a later run', async () => {
    const doomed = await world.start();
    const connection = await addConnection(world, doomed);
    const grants = await Promise.all(
      ['a', 'b', 'c'].map((subject) => importGrant(world, doomed, connection, { subject, expiresIn: 3600 })),
    );
    // The provider takes the revocation and does not answer, so the process is killed while it waits.
    await world.provider.setOutage({ slowMs: 3_600_000 });
    const deleting = doomed.api.delete(connection.path).catch(() => 'killed' as const);
    await expect.poll(async () => (await pending()).length).toBe(3);
    await doomed.kill();
    expect(await deleting).toBe('killed');
    expect((await at(0).api.get(connection.path)).status).toBe(404);

    await world.provider.setOutage('refused');
    const down = await addConnection(world, at(0));
    const { accessToken } = await importGrant(world, at(0), down, { expiresIn: 3600 });
    const revoked = await at(1).api.post(`${down.path}/revoke`);
    expect(revoked.body.revoked).toMatchObject([{ revoked_at_provider: false }]);
    expect((await at(1).api.delete(down.path)).status).toBe(200);
    expect(await pending()).toHaveLength(4);

    await world.provider.setOutage('none');
    for (const token of [accessToken, ...grants.map((grant) => grant.accessToken)]) {
      expect(await world.provider.accepts(token)).toBe(true);
    }
    await doomed.kill();
    await world.start({ dataDir: doomed.dataDir });
    await makeDue();
    await expect.poll(pending, nextRun).toEqual([]);
    for (const token of [accessToken, ...grants.map((grant) => grant.accessToken)]) {
      expect(await world.provider.accepts(token)).toBe(false);
    }
  });

  test('a copy with REFRESH_MODE=off sends nothing and keeps the revocation for the process that may send it', async () => {
    const copy = await world.start({ env: { REFRESH_MODE: 'off' } });
    const connection = await addConnection(world, at(0));
    const { accessToken } = await importGrant(world, at(0), connection, { expiresIn: 3600 });
    const revoked = await copy.api.post(`${connection.path}/revoke`);
    expect(revoked.body.revoked).toMatchObject([{ revoked_at_provider: false }]);
    expect(await pending()).toEqual([{ connection_name: connection.name, attempts: 0 }]);
    expect(await world.provider.accepts(accessToken)).toBe(true);
    await makeDue();
    await expect.poll(pending, nextRun).toEqual([]);
    expect(await world.provider.accepts(accessToken)).toBe(false);
  });
});
