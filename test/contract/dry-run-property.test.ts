import fc from 'fast-check';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addConnection, importGrant, startAuthorization } from '../e2e/connections.ts';
import { json, tokens } from '../support/provider/hostile-provider.ts';
import { openService, type Service, uniqueName } from './service.ts';

let service: Service;
let database: Client;
beforeAll(async () => {
  service = await openService({ HEALTH_CHECK_INTERVAL_MINUTES: '60' });
  database = new Client({ connectionString: service.stack.env.DATABASE_URL });
  await database.connect();
});
afterAll(async () => {
  await database?.end();
  await service?.close();
});

interface Preview {
  changes: { field: string; from?: unknown; to?: unknown }[];
  effects: {
    grants_disconnected: number;
    organizations_disconnected: number;
    authorizations_voided: number;
    workflows_disabled: number;
    revoked_at_provider: boolean;
    client_secret_required: boolean;
  };
}

const written = ['connections', 'grants', 'authorizations', 'audit_events', 'pending_revocations', 'workflow_states'];
/** Columns that background work writes: a new grant gets its first health check soon. */
const background = `'{lease_until,health,health_error,last_health_check_at}'::text[]`;
/** Every row that a write of connections can change. */
async function rows(): Promise<unknown> {
  const read = (table: string) =>
    database.query(`select to_jsonb(t) - ${background} as row from ${table} t order by 1`);
  const results = [];
  for (const table of [...written, 'workflow_dependencies']) results.push((await read(table)).rows);
  return results;
}
const count = async (from: string) => Number((await database.query(`select count(*) as n from ${from}`)).rows[0].n);

const call = (organization: string | undefined) => (organization === undefined ? {} : { organization });

const states = fc.record({
  owner: fc.constantFrom('acme', undefined),
  caller: fc.constantFrom('owner', 'owner', 'owner', 'other'),
  /** States of the grants of the owner and, below a global connection, of other organisations. */
  grants: fc.array(fc.constantFrom('live', 'expired', 'revoked'), { maxLength: 3 }),
  authorizations: fc.integer({ min: 0, max: 2 }),
  dependents: fc.integer({ min: 0, max: 2 }),
  isRevocable: fc.boolean(),
});
type State = typeof states extends fc.Arbitrary<infer S> ? S : never;

/** Builds a connection in that state, whose endpoints are those of the scripted provider. */
async function build({ owner, caller, grants, authorizations, dependents, isRevocable }: State) {
  const revocation = `/${uniqueName('revoke')}`;
  service.hostile.script(revocation, json(200, {}));
  const connection = await addConnection(service, {
    ...call(owner),
    body: {
      description: 'before',
      token_url: `${service.hostile.origin}/token`,
      revocation_url: isRevocable ? `${service.hostile.origin}${revocation}` : undefined,
    },
  });
  for (const [index, grant] of grants.entries()) {
    const organization = owner ?? ['acme', 'other', undefined][index];
    const subject = `s${index}`;
    // Without a refresh token: a refresh in the background would change rows.
    const tokensOf = { subject, refresh_token: undefined };
    await importGrant(service, { ...connection, organization }, grant === 'expired' ? 0 : 3600, tokensOf);
    if (grant === 'revoked') await service.api.post(`${connection.path}/revoke`, { subject }, call(organization));
  }
  for (let index = 0; index < authorizations; index++)
    await startAuthorization(service, connection, { subject: `a${index}` }, index === 0 ? owner : (owner ?? 'acme'));
  for (let index = 0; index < dependents; index++) {
    const path = `/workflows/${uniqueName('w')}/dependencies`;
    await service.api.post(path, { connection_name: connection.name }, call(owner));
  }
  const { rows: found } = await database.query('select id from connections where name = $1', [connection.name]);
  const sent = () => service.hostile.received.filter(({ path }) => path === revocation).length;
  return { connection, id: String(found[0].id), sent, as: call(caller === 'owner' ? owner : 'stranger') };
}

const working = (id: string) =>
  `grants where connection_id = '${id}' and status = 'completed' and sealed_tokens is not null`;
const pending = (id: string) =>
  `authorizations where connection_id = '${id}' and status = 'pending' and expires_at > now()`;
const enabled = (id: string) => `workflow_dependencies d where connection_id = '${id}' and not exists (
  select from workflow_states s where s.is_disabled and s.workflow_id = d.workflow_id)`;

const edits = fc.record(
  {
    description: fc.constantFrom('before', 'after', null),
    client_id: fc.constantFrom('one', ' '),
    token_url: fc.constantFrom('https://one.example/token', 'not a url'),
    scopes: fc.constantFrom(['openid'], null),
    test_url: fc.constantFrom('https://one.example/me', null),
    revocation_url: fc.constantFrom('https://one.example/revoke', null),
    token_auth_method: fc.constantFrom('client_secret_post', null),
    multi_account: fc.boolean(),
    share_with_organizations: fc.boolean(),
    terminal_errors: fc.constantFrom(['gone'], null),
    client_secret: fc.constantFrom('same', null),
    colour: fc.constant('red'),
  },
  { requiredKeys: [] },
);
const writes = fc.oneof(
  fc.record({ method: fc.constant('DELETE'), body: fc.constant(undefined) }),
  fc.record({ method: fc.constantFrom('PATCH', 'PUT'), body: edits }),
);

test('a write does what its dry run said, to each kind of row, and the dry run changes none', async () => {
  await fc.assert(
    fc.asyncProperty(states, writes, async (state, { method, body: edit }) => {
      const { connection, id, sent, as } = await build(state);
      const whole = { client_id: connection.clientId, authorization_url: 'https://one.example/a', ...edit };
      const body = method === 'PUT' ? { token_url: `${service.hostile.origin}/token`, ...whole } : edit;
      const send = (query: string) => service.api.call(method, `${connection.path}?${query}`, { ...as, body });
      const [grants, waiting, workflows] = [
        await count(working(id)),
        await count(pending(id)),
        await count(enabled(id)),
      ];
      const owners = await count(`(select distinct organization_id from ${working(id)}) owners`);
      const revoked = sent();
      const before = await rows();
      const dry = await send('dry_run=true');
      expect(await rows()).toEqual(before);
      expect(sent()).toBe(revoked);

      const real = await send('');
      if (dry.status !== 200) {
        expect([real.status, real.body.code, real.body.errors]).toEqual([dry.status, dry.body.code, dry.body.errors]);
        return;
      }
      const { changes, effects } = dry.body as unknown as Preview;
      let code: string | undefined;
      if (effects.client_secret_required) code = 'client_secret_required';
      else if (method === 'DELETE' && effects.workflows_disabled > 0) code = 'dependent_workflows';
      else if (method !== 'DELETE' && effects.grants_disconnected > 0) code = 'would_disconnect';
      expect([real.status, real.body.code]).toEqual(code === undefined ? [200, undefined] : [400, code]);
      if (effects.client_secret_required) {
        expect(await rows()).toEqual(before);
        return;
      }
      const confirmation = method === 'DELETE' ? 'confirm_disable_workflows=true' : 'confirm_disconnect=true';
      const done = code === undefined ? real : await send(confirmation);
      expect(done.status, done.text).toBe(200);
      expect({
        grants_disconnected: grants - (await count(working(id))),
        organizations_disconnected: effects.grants_disconnected > 0 ? owners : 0,
        authorizations_voided: waiting - (await count(pending(id))),
        workflows_disabled: method === 'DELETE' ? workflows : workflows - (await count(enabled(id))),
        revoked_at_provider: sent() > revoked,
        client_secret_required: false,
      }).toEqual(effects);
      if (method === 'DELETE') {
        expect(done.body.disabled_workflows).toHaveLength(effects.workflows_disabled);
        expect((await service.api.get(connection.path, as)).status).toBe(404);
        return;
      }
      for (const { field, to } of changes) if (field !== 'client_secret') expect(done.body[field]).toEqual(to);
    }),
    { numRuns: 40 },
  );
}, 300_000);

const creations = fc.record({
  organization: fc.constantFrom('acme', undefined),
  isTaken: fc.constantFrom(false, false, true),
  body: fc.record(
    {
      oauth_flow_type: fc.constantFrom('authorization_code', 'client_credentials', 'implicit'),
      provider: fc.constantFrom('google', 'unknown-provider'),
      client_secret: fc.constantFrom('a-secret', null),
      authorization_url: fc.constantFrom('https://one.example/authorize', 'ftp://x'),
      scopes: fc.constantFrom(['openid'], 'openid profile'),
      token_params: fc.constantFrom({ audience: 'x' }, { grant_type: 'x' }),
      pkce: fc.boolean(),
      description: fc.constant('new'),
      colour: fc.constant('red'),
    },
    { requiredKeys: ['authorization_url', 'client_secret'] },
  ),
});

test('a creation does what its dry run said, and the dry run creates nothing and calls no provider', async () => {
  const path = `/${uniqueName('token')}`;
  service.hostile.script(path, tokens('first', null));
  await fc.assert(
    fc.asyncProperty(creations, async ({ organization, isTaken, body: settings }) => {
      const name = isTaken ? (await addConnection(service, call(organization))).name : uniqueName();
      const token_url = `${service.hostile.origin}${path}`;
      const body = { connection_name: name, client_id: 'client', token_url, ...settings };
      const before = await rows();
      const received = service.hostile.received.length;
      const dry = await service.api.post('/connections?dry_run=true', body, call(organization));
      expect(await rows()).toEqual(before);
      expect(service.hostile.received).toHaveLength(received);
      const real = await service.api.post('/connections', body, call(organization));
      if (dry.status !== 200) {
        expect([real.status, real.body.code, real.body.errors]).toEqual([dry.status, dry.body.code, dry.body.errors]);
        return;
      }
      expect(real.status, real.text).toBe(201);
      for (const { field, to } of (dry.body as unknown as Preview).changes)
        if (field !== 'client_secret') expect(real.body[field]).toEqual(to);
    }),
    { numRuns: 60 },
  );
}, 120_000);
