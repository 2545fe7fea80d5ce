import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBrowser } from '../support/browser/browser.ts';
import { type Api, createApi } from '../support/http/broker-api.ts';
import { type BrokerProcess, startBroker } from '../support/processes/broker-process.ts';
import { createDataDir } from '../support/processes/data-dir.ts';
import { json } from '../support/provider/hostile-provider.ts';
import { challengeOf, confirm, finishSignIn, returnUrl, startBound } from './bound-links.ts';
import {
  addConnection,
  callbackUrl,
  connect,
  expectStatus,
  openScene,
  type Scene,
  type TestConnection,
} from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene({ ALLOWED_RETURN_URLS: 'https://app.test' });
});
afterAll(() => scene?.close());

const patience = { timeout: 30_000, interval: 200 };
const grantsOf = ({ name }: TestConnection) =>
  scene.rows(
    `select g.subject from grants g join connections c on c.id = g.connection_id
     where c.name = '${name}' and g.sealed_tokens is not null`,
  );
const heldTokens = (authorizationId: string) =>
  scene.rows(
    `select 1 from authorizations where sealed_waiting is not null and authorization_id = '${authorizationId}'`,
  );

describe('a forwarded link at two processes of one installation', () => {
  let second: BrokerProcess;
  let api: Api;
  const stack = new AsyncDisposableStack();
  beforeAll(async () => {
    const dataDir = createDataDir();
    stack.defer(() => dataDir.remove());
    const env = { ...scene.env, PUBLIC_URL: scene.url, CONFIRM_PAGE: 'always' };
    second = await startBroker({ dataDir: dataDir.path, env });
    stack.defer(async () => void (await second.stop()));
    api = createApi(second.url, scene.adminKey);
  });
  afterAll(() => stack.disposeAsync());

  /** Opens a link at the second process, which shows its page first, and sends the callback to the first. */
  async function signInAcross(connection: TestConnection, verifier: string) {
    const body = { return_url: returnUrl, binding_challenge: challengeOf(verifier) };
    const started = expectStatus(await scene.api.post(`${connection.path}/authorize`, body), 200).body;
    const origins: Record<string, string> = { [scene.url]: second.url };
    const browser = createBrowser({ origins });
    const page = await browser.open(started.authorization_url);
    await browser.submit(page, {}, (url) => url.origin === scene.provider.origin);
    delete origins[scene.url];
    return finishSignIn({
      sendCallback: () => browser.send('GET', callbackUrl(connection, { state: started.state, code: 'c' })),
    });
  }

  test('CONFIRM_PAGE=always shows the page also without a subject, and opening it binds nothing', async () => {
    const connection = await addConnection(scene);
    const { authorization_url } = expectStatus(await api.post(`${connection.path}/authorize`, {}), 200).body;
    const [before] = await scene.rows('select row_to_json(a) from authorizations a order by created_at desc limit 1');
    const browser = createBrowser({ origins: { [scene.url]: second.url } });
    const page = await browser.open(authorization_url);
    expect(page).toMatchObject({ status: 200, location: null });
    expect(page.body).toContain('Go on only if you started this');
    expect(await scene.rows('select row_to_json(a) from authorizations a order by created_at desc limit 1')).toEqual([
      before,
    ]);
  });

  test('a wrong confirmation at one process discards the tokens for both', async () => {
    const connection = await addConnection(scene);
    const arrived = await signInAcross(connection, 'v'.repeat(43));
    const wrong = await confirm(api, arrived.authorizationId, { verifier: 'w'.repeat(43), code: arrived.code });
    expect(wrong.status, wrong.text).toBe(400);
    for (const each of [scene.api, api]) {
      const right = { verifier: 'v'.repeat(43), code: arrived.code };
      expect((await confirm(each, arrived.authorizationId, right)).status).toBe(400);
    }
    expect(await grantsOf(connection)).toEqual([]);
    expect(await heldTokens(arrived.authorizationId)).toEqual([]);
  });

  test('confirmations at both at once make one grant', async () => {
    const connection = await addConnection(scene);
    const verifier = 'x'.repeat(43);
    const arrived = await signInAcross(connection, verifier);
    const apis = [scene.api, api, scene.api, api];
    const responses = await Promise.all(
      apis.map((each) => confirm(each, arrived.authorizationId, { verifier, code: arrived.code })),
    );
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(await grantsOf(connection)).toHaveLength(1);
  });
});

describe('a process that is killed', { timeout: 90_000 }, () => {
  const bodiesOf = (path: string) => scene.provider.received.filter((each) => each.path === path);
  const sent = (path: string, name: string) => bodiesOf(path).map(({ body }) => new URLSearchParams(body).get(name));
  const overdue = () => startBound(scene, connections.overdue, { subject: 'late' });
  let connections: Record<'overdue' | 'revoked' | 'rotated', TestConnection>;
  let started: Awaited<ReturnType<typeof overdue>>;
  let arrived: Awaited<ReturnType<typeof finishSignIn>>;
  let again: BrokerProcess;

  beforeAll(async () => {
    const [late, revoked, rotated] = await Promise.all([0, 1, 2].map(() => addConnection(scene)));
    if (!late || !revoked || !rotated) throw new Error('no connections');
    connections = { overdue: late, revoked, rotated };
    scene.provider.script('/token', json(200, { access_token: 'a-late', refresh_token: 'r-late', expires_in: 3600 }));
    started = await overdue();
    arrived = await finishSignIn(started);
    scene.provider.script('/token', json(200, { access_token: 'a-gone', refresh_token: 'r-gone', expires_in: 3600 }));
    await connect(scene, revoked);
    scene.provider.script('/revoke', json(503, {}));
    expectStatus(await scene.api.post(`${revoked.path}/revoke`), 200);
    scene.provider.script('/token', json(200, { access_token: 'a-1', refresh_token: 'r-1', expires_in: 3600 }));
    await connect(scene, rotated);
    // The provider rotates the refresh token, and the database takes no tokens any more.
    await scene.rows(`
      create function refuse() returns trigger language plpgsql as $$ begin raise 'refused'; end $$;
      create trigger refuse before update of sealed_tokens on grants for each row execute function refuse();`);
    scene.provider.script('/token', json(200, { access_token: 'a-2', refresh_token: 'r-2', expires_in: 3600 }));
    await scene.api.post(`${rotated.path}/refresh`);
    await scene.broker.kill();

    scene.provider.script('/revoke', json(200, {}));
    // The time of the wait and of the pause passes. An emptied queue runs its periodic work at once.
    await scene.rows(`
      drop trigger refuse on grants;
      update authorizations set confirm_until = now() where authorization_id = '${arrived.authorizationId}';
      update pending_revocations set next_try_at = now();
      delete from token_broker_jobs.job;
      delete from token_broker_jobs.scheduler;
      delete from token_broker_jobs.dedup;`);
    const { dataDir, env } = scene;
    again = await startBroker({ dataDir, env, port: scene.broker.port });
  });
  afterAll(() => again?.stop());

  test('leaves no tokens of an authorization that was not confirmed in ten minutes: they are to be revoked', async () => {
    await expect.poll(() => heldTokens(arrived.authorizationId), patience).toEqual([]);
    const added = `select 1 from pending_revocations where grant_id = '${arrived.authorizationId}'`;
    expect(await scene.rows(added)).toHaveLength(1);
    const late = await confirm(scene.api, arrived.authorizationId, { ...started, ...arrived });
    expect(late.body).toMatchObject({ code: 'confirmation_refused', status_reason: 'authorization_expired' });
    expect((await scene.api.get(`/authorizations/${started.state}`)).body.status).toBe('expired');
    expect(await grantsOf(connections.overdue)).toEqual([]);
  });

  test('loses no revocation that the provider could not take: it is sent again, and the grant stays revoked', async () => {
    const { credential } = connections.revoked;
    expect((await scene.api.get(credential)).body.status_reason).toBe('revoked');
    const times = () => sent('/revoke', 'token').filter((token) => token === 'r-gone').length;
    await expect.poll(times, patience).toBeGreaterThan(1);
    const pending = `select 1 from pending_revocations where connection_name = '${connections.revoked.name}'`;
    await expect.poll(() => scene.rows(pending), patience).toEqual([]);
  });

  test('between rotation and save loses no refresh token, and the old one is not sent again', async () => {
    const { credential, path } = connections.rotated;
    expect(expectStatus(await scene.api.get(credential), 200).body.access_token).toBe('a-2');
    expectStatus(await scene.api.post(`${path}/refresh`), 200);
    expect(sent('/token', 'refresh_token').filter((token) => token !== null)).toEqual(['r-1', 'r-2']);
  });
});
