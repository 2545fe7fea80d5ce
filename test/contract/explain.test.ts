import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConnection, type ConnectionOptions, type TestConnection } from '../e2e/connections.ts';
import type { ApiCall } from '../support/http/broker-api.ts';
import { withoutLaterSweeps } from '../support/http/first-sweep.ts';
import { hang, json, type Reply, tokens } from '../support/provider/hostile-provider.ts';
import { type Caller, canary, compareExplanation, detailOf, type Explained, outcomesOf } from './explained-fetches.ts';
import { openService, type Service, uniqueName } from './service.ts';

let service: Service;
beforeAll(async () => {
  const limits = { PROVIDER_TIMEOUT_MS: '500', PROVIDER_CALL_CAP_MS: '1500', PROVIDER_RETRIES: '0' };
  service = await openService({ ...limits, ...withoutLaterSweeps });
});
afterAll(() => service?.close());

const acme = { organization: 'acme' };
const ok = tokens(`${canary}-new`, `${canary}-refresh`);
const down = json(503, {});
const throttled = json(429, { error: 'slow_down' }, { 'retry-after': '60' });
const refusing = (error: string, status = 400) => json(status, { error });

/** A connection whose token endpoint sends the scripted replies. */
async function scripted(replies: readonly Reply[], options: ConnectionOptions = acme): Promise<TestConnection> {
  const path = `/${uniqueName('token')}`;
  const [first = ok, ...rest] = replies;
  service.hostile.script(path, first, ...rest);
  const body = { token_url: `${service.hostile.origin}${path}`, revocation_url: undefined, ...options.body };
  return addConnection(service, { ...options, body });
}

async function give(connection: TestConnection, grant: Record<string, unknown> = {}, call: ApiCall = acme) {
  const body = {
    access_token: uniqueName(canary),
    refresh_token: uniqueName(canary),
    expires_in: 3600,
    scopes: ['read'],
    ...grant,
  };
  const response = await service.api.post(`${connection.path}/grants`, body, call);
  expect(response.status, response.text).toBe(201);
  return String(response.body.grant_id);
}

const sql = (statement: string) => service.stack.sql(statement);
const grantsOf = ({ name }: TestConnection) => `connection_id in (select id from connections where name = '${name}')`;

const compare = (connection: Pick<TestConnection, 'credential'>, query = '', call: Caller = acme) =>
  compareExplanation(service, connection, query, call);

/** Changes the grants of a connection in the database, and lets caches forget them. */
async function change(connection: TestConnection, set: string, call: ApiCall = acme) {
  await sql(`update grants set ${set} where ${grantsOf(connection)}`);
  const { status } = await service.api.patch(connection.path, { description: uniqueName() }, call);
  expect(status).toBe(200);
}

describe('connection and grant', () => {
  test('no connection: the answer names neither an own nor a global one', async () => {
    const found = await compare({ credential: `/credentials/${uniqueName()}` });
    expect(found.answer).toEqual({ status: 404, code: 'connection_not_found', next_action: 'reconfigure' });
    expect(detailOf(found, 'connection')).toContain('acme has none, and there is no global one');
  });

  test('a connection of another organisation is explained as one that does not exist', async () => {
    const theirs = await addConnection(service, { organization: 'other' });
    const found = await compare(theirs);
    const absent = await compare({ credential: '/credentials/absent' });
    expect(JSON.stringify(found).replaceAll(theirs.name, 'absent')).toBe(JSON.stringify(absent));
  });

  test('an own connection that is not ready hides the global one, and the explanation says so', async () => {
    const global = await scripted([ok], {});
    await give(global, {}, {});
    expect((await compare(global)).answer.status).toBe(200);
    expect(detailOf(await compare(global), 'grant')).toContain('global connection shares');
    await scripted([ok], { ...acme, body: { connection_name: global.name } });
    const found = await compare(global);
    expect(found.answer).toEqual({ status: 503, code: 'connection_not_ready', next_action: 'authorize' });
    expect(detailOf(found, 'connection')).toContain('hides the global connection');
  });

  test('an unshared grant, a shared grant for a subject, and an own grant of a global connection', async () => {
    const unshared = await scripted([ok], { body: { share_with_organizations: false } });
    await give(unshared, {}, {});
    expect(detailOf(await compare(unshared), 'grant')).toContain('does not share its grant');
    const shared = await scripted([ok], {});
    await give(shared, {}, {});
    const found = await compare(shared, '?subject=ada');
    expect(found.answer.code).toBe('grant_not_found');
    expect(detailOf(found, 'grant')).toContain('never serves a request that names a subject');
    await give(shared, { subject: 'ada' });
    expect(detailOf(await compare(shared, '?subject=ada'), 'grant')).toContain('own grant of the organization acme');
  });

  test('the accounts of an ambiguous request are listed', async () => {
    const connection = await scripted([ok], { ...acme, body: { multi_account: true } });
    for (const account_id of ['work', 'home']) await give(connection, { account_id });
    const found = await compare(connection);
    expect(found.answer).toEqual({ status: 409, code: 'account_ambiguous', next_action: 'none' });
    expect(detailOf(found, 'grant')).toMatch(/Accounts: .*home.*work|Accounts: .*work.*home/);
    expect((await compare(connection, '?account_id=home')).answer.status).toBe(200);
    expect((await compare(connection, '?account_id=away')).answer.code).toBe('grant_not_found');
  });
});

describe('the caller', () => {
  test('a name pattern, a missing permission and a disabled workflow each refuse, and the rest is still explained', async () => {
    const connection = await scripted([ok]);
    await give(connection);
    const other = await service.newKey({ connections: ['z-*'] });
    const pattern = await compare(connection, '', { ...acme, api: other.api });
    expect(pattern.answer).toEqual({ status: 403, code: 'forbidden', next_action: 'reconfigure' });
    expect(outcomesOf(pattern).slice(1)).toEqual([
      'name_pattern refused',
      'connection passed',
      'grant passed',
      'token passed',
      'refresh passed',
    ]);
    const reader = await service.newKey({ permissions: ['connections:read'] });
    expect((await compare(connection, '', { ...acme, api: reader.api })).steps[0]?.outcome).toBe('refused');
    const id = uniqueName('w');
    await service.api.post(`/workflows/${id}/disable`, { reason: 'It spams.' }, acme);
    const disabled = await compare(connection, '', { ...acme, headers: { 'x-workflow-id': id } });
    expect(disabled.answer).toEqual({ status: 403, code: 'workflow_disabled', next_action: 'reconfigure' });
    expect(detailOf(disabled, 'workflow')).toContain('It spams.');
    const both = await compare(connection, '', { ...acme, api: other.api, headers: { 'x-workflow-id': id } });
    expect(both.answer.code).toBe('workflow_disabled');
    const { api } = await service.newKey({ permissions: ['credentials:read'] });
    expect((await api.get(`${connection.credential}/explain`, acme)).status).toBe(403);
  });
});

describe('token and refresh', () => {
  test('a live, an ending and an unknown token are served; the explanation names what the fetch starts', async () => {
    const connection = await scripted([ok]);
    await give(connection, { refresh_token: undefined });
    expect(outcomesOf(await compare(connection)).slice(-2)).toEqual(['token passed', 'refresh passed']);
    const ending = await scripted([ok]);
    await give(ending, { expires_in: 120 });
    expect(detailOf(await compare(ending), 'refresh')).toContain('starts a refresh in the background');
    const unknown = await scripted([ok]);
    await give(unknown, { refresh_token: undefined, expires_in: undefined });
    expect(detailOf(await compare(unknown), 'token')).toContain('is not known');
  });

  test('an expired token with a provider that works: outcome refresh', async () => {
    const connection = await scripted([ok]);
    await give(connection, { expires_in: 0 });
    const found = await compare(connection);
    expect(outcomesOf(found).slice(-2)).toEqual(['token insufficient', 'refresh refresh']);
    expect(found.answer).toEqual({ status: 200, code: null, next_action: 'none' });
    expect((await compare(connection)).steps.at(-1)?.outcome).toBe('passed');
  });

  test.each<[string, Reply, string]>([
    ['down', down, 'wait'],
    ['throttled', throttled, 'wait'],
    ['silent', hang, 'wait'],
    ['refusing the token', refusing('invalid_grant'), 'authorize'],
    ['refusing the client', refusing('invalid_client', 401), 'reconfigure'],
    ['refusing the configuration', refusing('invalid_scope'), 'reconfigure'],
    ['refusing without a known reason', json(404, {}), 'wait'],
  ])('an expired token after a fetch whose provider was %s', async (_name, reply, nextAction) => {
    const connection = await scripted([reply]);
    await give(connection, { expires_in: 0 });
    expect((await service.api.get(connection.credential, acme)).status).toBe(503);
    const found = await compare(connection);
    expect(found.answer.next_action).toBe(nextAction);
    expect(found.answer.status).toBe(503);
    // The row's pause may end: what remains is the pause and the circuit of the process.
    await change(connection, `retry_at = now() - interval '1 second'`);
    const { body } = await service.api.get(`${connection.credential}/explain`, acme);
    const last = (body as unknown as Explained).steps.at(-1);
    if (reply === throttled) {
      expect(last?.detail).toContain('asked this client to slow down');
      expect((await compare(connection)).answer.code).toBe('provider_unavailable');
    }
  });

  test('an open circuit refuses an expired token', async () => {
    const connections = [];
    const path = `/${uniqueName('token')}`;
    service.hostile.script(path, down);
    const body = { token_url: `${service.hostile.origin}${path}`, revocation_url: undefined };
    for (const organization of ['acme', 'other'])
      connections.push(await addConnection(service, { organization, body }));
    const [own, other] = connections as [TestConnection, TestConnection];
    for (const each of [own, other]) await give(each, { expires_in: 0 }, each);
    for (let round = 0; round < 4; round++) {
      for (const each of [own, other]) {
        const { credential, organization } = each;
        await change(each, 'retry_at = null', each);
        await expect
          .poll(async () => (await service.api.get(credential, { organization })).body.code)
          .toBe('provider_unavailable');
      }
    }
    await change(own, 'retry_at = null');
    const found = await compare(own);
    expect(found.answer).toEqual({ status: 503, code: 'provider_unavailable', next_action: 'wait' });
    expect(detailOf(found, 'refresh')).toContain('failed several times in a row');
  });

  test('min_ttl beyond the lifetime, and scopes that are missing: both are told, the first decides', async () => {
    const connection = await scripted([ok]);
    await give(connection, { expires_in: 0 });
    await compare(connection);
    expect((await compare(connection, '?min_ttl=100000')).answer.code).toBe('min_ttl_unsatisfiable');
    const missing = await compare(connection, '?min_ttl=100000&scopes=read,write');
    expect(missing.answer).toEqual({ status: 403, code: 'insufficient_scope', next_action: 'authorize' });
    expect(outcomesOf(missing).slice(-2)).toEqual(['scopes refused', 'token refused']);
    expect(detailOf(missing, 'scopes')).toContain('It has read.');
    expect((await compare(connection, '?scopes=read')).answer.status).toBe(200);
  });

  test('a refresh that another process makes is told', async () => {
    const connection = await scripted([ok]);
    await give(connection, { expires_in: 0 });
    await sql(
      `update grants set lease_owner = 'other/1', lease_until = now() + interval '2 seconds' where ${grantsOf(connection)}`,
    );
    expect(detailOf(await compare(connection), 'refresh')).toContain('is under way');
  });

  const reasons = ['reauthorization_required', 'client_rejected', 'configuration_rejected', 'provider_rejected'];
  const more = ['revoked', 'configuration_changed', 'rotation_interrupted', 'token_expired', 'test_failed'];
  const states = [...reasons, ...more].flatMap((reason) =>
    ['no retry', 'a later retry'].flatMap((retry) => [true, false].map((isLive) => [reason, retry, isLive] as const)),
  );
  test.each(states)('a grant that failed with %s and %s (live token: %s)', async (reason, retry, isLive) => {
    const connection = await scripted([ok]);
    await give(connection, { expires_in: isLive ? 3600 : 0 });
    const status = reason === 'configuration_changed' ? 'not_connected' : 'failed';
    const retryAt = retry === 'no retry' ? 'null' : `now() + interval '1 hour'`;
    await sql(
      `update grants set status = '${status}', status_reason = '${reason}', retry_at = ${retryAt}, version = version + 1 where ${grantsOf(connection)}`,
    );
    for (const query of ['', '?min_ttl=60', '?min_ttl=7200', '?scopes=write']) await compare(connection, query);
    expect(detailOf(await compare(connection), 'grant')).toContain(`${status} with the reason ${reason}`);
  });
});
