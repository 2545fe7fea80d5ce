import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConnection, type TestConnection } from '../e2e/connections.ts';
import { withoutLaterSweeps } from '../support/http/first-sweep.ts';
import { json, type Reply, tokens } from '../support/provider/hostile-provider.ts';
import { canary, compareExplanation, detailOf, endOfRefresh } from './explained-fetches.ts';
import { openService, type Service, uniqueName } from './service.ts';

let service: Service;
let patterned: Awaited<ReturnType<Service['newKey']>>;
beforeAll(async () => {
  service = await openService({ PROVIDER_RETRIES: '0', ...withoutLaterSweeps });
  patterned = await service.newKey({ connections: ['z-*'] });
});
afterAll(() => service?.close());

const acme = { organization: 'acme' };
const replies: Record<string, Reply> = {
  works: tokens(`${canary}-new`, `${canary}-refresh`),
  'is down': json(503, {}),
  throttles: json(429, {}, { 'retry-after': '60' }),
  'refuses the token': json(400, { error: 'invalid_grant' }),
  'refuses the client': json(401, { error: 'invalid_client' }),
};

const grants = fc.record({
  owner: fc.constantFrom('acme', 'acme', undefined),
  subject: fc.constantFrom(undefined, undefined, 'ada'),
  account_id: fc.constantFrom(undefined, 'home', 'work'),
  expires_in: fc.constantFrom(0, 30, 3600, undefined),
  isRefreshable: fc.constantFrom(true, true, false),
  scopes: fc.constantFrom(['read'], ['read', 'write']),
});
const states = fc.record({
  owners: fc.constantFrom(['acme'], [undefined], ['acme', undefined]),
  isShared: fc.boolean(),
  isMulti: fc.boolean(),
  grants: fc.array(grants, { minLength: 1, maxLength: 4 }),
  reply: fc.constantFrom(...Object.keys(replies)),
  /** A caller reports the token of the first grant as rejected. */
  isReported: fc.boolean(),
  isDisabled: fc.boolean(),
  end: fc.constantFrom('', 'revoke', 'edit'),
});
const requests = fc.record({
  subject: fc.constantFrom('', '', 'ada', 'other'),
  account_id: fc.constantFrom('', '', 'home', 'away'),
  min_ttl: fc.constantFrom('0', '0', '600', '3000'),
  scopes: fc.constantFrom('', 'read', 'read,write'),
  namesWorkflow: fc.boolean(),
  isPatterned: fc.constantFrom(false, false, false, true),
});
type State = typeof states extends fc.Arbitrary<infer S> ? S : never;

/** Builds the state. Returns the connection, and the id of a workflow. */
async function build(state: State): Promise<[TestConnection, string]> {
  const path = `/${uniqueName('token')}`;
  service.hostile.script(path, replies[state.reply] ?? json(500, {}));
  const name = uniqueName();
  const built: TestConnection[] = [];
  for (const organization of state.owners) {
    const body = {
      connection_name: name,
      token_url: `${service.hostile.origin}${path}`,
      revocation_url: undefined,
      multi_account: state.isMulti,
      ...(organization === undefined && { share_with_organizations: state.isShared }),
    };
    built.push(await addConnection(service, { ...(organization === undefined ? {} : { organization }), body }));
  }
  const path0 = `/connections/${name}`;
  const connection = { ...(built[0] as TestConnection), name, path: path0, credential: `/credentials/${name}` };
  const held: string[] = [];
  for (const { owner, isRefreshable, ...grant } of state.grants) {
    const access_token = uniqueName(canary);
    const body = { ...grant, access_token, ...(isRefreshable && { refresh_token: uniqueName(canary) }) };
    await service.api.post(`${path0}/grants`, body, owner === undefined ? {} : { organization: owner });
    held.push(access_token);
  }
  if (state.isReported && held[0] !== undefined) {
    await service.api.post(`/credentials/${name}/renew`, { rejected_token: held[0] }, acme);
    await endOfRefresh(service, connection, '', acme);
  }
  if (state.end === 'revoke') await service.api.post(`${path0}/revoke`, {}, acme);
  if (state.end === 'edit') {
    const edit = { client_id: 'another', client_secret: 'another' };
    await service.api.patch(`${path0}?confirm_disconnect=true`, edit, acme);
  }
  const workflow = uniqueName('w');
  if (state.isDisabled) await service.api.post(`/workflows/${workflow}/disable`, { reason: 'broken' }, acme);
  return [connection, workflow];
}

describe('explain', () => {
  test('states the status, code and next action of the fetch that follows, in any state', async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(states, fc.array(requests, { minLength: 1, maxLength: 4 }), async (state, fetches) => {
        const [connection, workflow] = await build(state);
        for (const { namesWorkflow, isPatterned, ...query } of fetches) {
          const found = await compareExplanation(service, connection, `?${new URLSearchParams(query)}`, {
            ...acme,
            ...(namesWorkflow && { headers: { 'x-workflow-id': workflow } }),
            ...(isPatterned && { api: patterned.api }),
            isDown: state.reply !== 'works',
          });
          seen.add(found.steps.at(-1)?.outcome === 'refresh' ? 'refresh' : (found.answer.code ?? 'served'));
        }
      }),
      { numRuns: 60 },
    );
    for (const answer of ['served', 'connection_not_ready', 'forbidden']) expect([...seen]).toContain(answer);
  }, 300_000);

  test('writes nothing: it audits no fetch and registers no workflow', async () => {
    const [connection, workflow] = await build({
      owners: ['acme'],
      isShared: true,
      isMulti: false,
      grants: [],
      reply: 'works',
      isReported: false,
      isDisabled: false,
      end: '',
    });
    const headers = { 'x-workflow-id': workflow };
    await service.api.get(`${connection.credential}/explain`, { ...acme, headers });
    // A fetch of another workflow behind it: once that is written, the explanation would be.
    const later = uniqueName('w');
    await service.api.post(`${connection.path}/grants`, { access_token: uniqueName(canary) }, acme);
    const served = await service.api.get(connection.credential, { ...acme, headers: { 'x-workflow-id': later } });
    expect(served.status, served.text).toBe(200);
    const events = async () => {
      const { body } = await service.api.get(`/admin/audit-events?connection_name=${connection.name}`);
      return (body.audit_events as { action: string }[]).filter(({ action }) => action.startsWith('credential.'));
    };
    await expect.poll(events, { timeout: 20_000 }).toMatchObject([{ action: 'credential.fetched' }]);
    const dependents = async () => (await service.api.get(`${connection.path}/dependents`, acme)).body.dependents;
    await expect.poll(dependents, { timeout: 20_000 }).toMatchObject([{ workflow_id: later }]);
  });
});

test('REFRESH_MODE=off: a live token is served, an expired one needs a reconfiguration', async () => {
  const path = `/${uniqueName('token')}`;
  service.hostile.script(path, json(500, {}));
  const body = { token_url: `${service.hostile.origin}${path}`, revocation_url: undefined };
  const connection = await addConnection(service, { ...acme, body });
  const give = (expires_in: number) =>
    service.api.post(
      `${connection.path}/grants`,
      { access_token: uniqueName(canary), refresh_token: uniqueName(canary), expires_in },
      acme,
    );
  await give(3600);
  await service.restart({ REFRESH_MODE: 'off' });
  expect((await compareExplanation(service, connection, '', acme)).answer.status).toBe(200);
  const found = await compareExplanation(service, connection, '?min_ttl=7200', acme);
  expect(found.answer).toEqual({ status: 503, code: 'connection_not_ready', next_action: 'reconfigure' });
  await give(0);
  expect(detailOf(await compareExplanation(service, connection, '', acme), 'refresh')).toContain('REFRESH_MODE is off');
}, 120_000);
