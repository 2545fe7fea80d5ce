import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { spawnBroker } from '../support/processes/broker-process.ts';
import { createDataDir } from '../support/processes/data-dir.ts';
import { freePort } from '../support/processes/free-port.ts';
import { createTemporaryFolder } from '../support/processes/temporary-folder.ts';
import { openService, type Service, uniqueName } from './service.ts';

interface Field {
  name: string;
  required: boolean;
  pattern: string | null;
  default: string | null;
}

interface Provider {
  id: string;
  display_name: string;
  flows: string[];
  redirect_uris: { global: string | null; organization: string | null };
  fields: Field[];
  extra: string[];
  setup_notes: string[];
  revocation_ends: { what: string; sentence: string } | null;
  variables: Record<string, unknown>;
}

const further = {
  id: 'made-up',
  displayName: 'Made Up Things',
  documentationUrl: 'https://made-up.example/docs',
  setupNotes: ['Register an application.', 'Ask the provider to enable offline access.'],
  flows: ['authorization_code', 'client_credentials', 'refresh_token'],
  authorizationUrl: 'https://{tenant}.made-up.example/authorize',
  tokenUrl: 'https://{tenant}.made-up.example/token',
  variables: {
    tenant: { pattern: '^[a-z]{2,20}$', description: 'The tenant.' },
    region: { pattern: '^(eu|us)$', default: 'eu', description: 'The region.' },
  },
  defaultScopes: ['read', 'write'],
  expiry: { defaultLifetimeSeconds: 1800 },
  refreshToken: { rotates: true, lifetimeDays: 365, lifetimeCounts: 'from_consent', idleDays: 90 },
  response: { extra: { instance_url: 'instance' }, callbackExtra: { realm_id: 'realmId' } },
  revocation: { url: 'https://made-up.example/revoke' },
  revocationEnds: { what: 'every_grant_of_the_person', sentence: 'All tokens of the person end.' },
};

let service: Service;
const folder = createTemporaryFolder('templates-');
beforeAll(async () => {
  writeFileSync(join(folder, 'made-up.json'), JSON.stringify(further));
  writeFileSync(join(folder, 'github.json'), JSON.stringify({ id: 'github', displayName: 'Our GitHub' }));
  writeFileSync(join(folder, 'notes.txt'), 'no template');
  service = await openService({ TEMPLATES_DIR: folder });
});
afterAll(async () => {
  await service?.close();
  rmSync(folder, { recursive: true });
});

const list = async (query = '', options = {}) =>
  (await service.api.get(`/providers${query}`, options)).body.providers as Provider[];

test('the provider list has every template once', async () => {
  const { status, body } = await service.api.get('/providers');
  expect(status).toBe(200);
  const ids = (body.providers as Provider[]).map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const wanted = ['generic', 'google', 'google-gmail', 'youtube', 'google-search-console', 'microsoft-graph', 'slack'];
  expect(ids).toEqual(expect.arrayContaining([...wanted, 'notion', 'github', 'gitlab']));
});

test('an alias stands for its template, in the catalogue and in connections', async () => {
  const { body } = await service.api.get('/providers/microsoft-entra-graph');
  expect(body).toMatchObject({ id: 'microsoft-graph', display_name: 'Microsoft Graph' });
  const connection = {
    connection_name: uniqueName(),
    provider: 'microsoft-entra-graph',
    client_id: 'c',
    client_secret: 's',
  };
  const created = await service.api.post('/connections', connection);
  expect(created.status).toBe(201);
  expect(created.body).toMatchObject({ provider: 'microsoft-entra-graph', scopes: ['offline_access', 'User.Read'] });
});

test('every listed provider template can be read', async () => {
  for (const summary of await list()) {
    const { status, body } = await service.api.get(`/providers/${summary.id}`);
    expect(status).toBe(200);
    expect(body).toMatchObject(summary);
  }
});

test('a template says all that a person needs to know', async () => {
  const { body } = await service.api.get('/providers/made-up', { organization: 'acme' });
  expect(body).toMatchObject({
    display_name: 'Made Up Things',
    documentation_url: 'https://made-up.example/docs',
    flows: further.flows,
    default_scopes: ['read', 'write'],
    redirect_uris: {
      global: `${service.broker.url}/callback/{connection_name}`,
      organization: `${service.broker.url}/callback/acme/{connection_name}`,
    },
    extra: ['instance_url', 'realm_id'],
    setup_notes: further.setupNotes,
    revocation_ends: further.revocationEnds,
    variables: { tenant: { pattern: '^[a-z]{2,20}$', default: null, description: 'The tenant.' } },
    pkce: true,
    access_token: { lifetime_seconds: 1800 },
    refresh_token: { rotates: true, lifetime_days: 365, lifetime_counts: 'from_consent', idle_days: 90 },
  });
  const fields = body.fields as Field[];
  expect(fields.map(({ name, required, default: preset }) => [name, required, preset])).toEqual([
    ['client_id', true, null],
    ['client_secret', false, null],
    ['variables.tenant', true, null],
    ['variables.region', false, 'eu'],
    ['scopes', false, 'read write'],
  ]);
});

test('a template without a revocation endpoint says that a revocation ends nothing at the provider', async () => {
  const { body } = await service.api.get('/providers/generic');
  expect(body.revocation_ends).toMatchObject({ what: 'nothing' });
});

test('a template of TEMPLATES_DIR replaces the shipped one of its id, and the log names the other files', async () => {
  expect((await service.api.get('/providers/github')).body.display_name).toBe('Our GitHub');
  await expect
    .poll(() => service.broker.logs())
    .toMatch(/"added":\["made-up"\],"overridden":\["github"\],"ignored":\["notes\.txt"\]/);
});

test('a faulty file in TEMPLATES_DIR stops the start with one message that names the file and the fault in it', async () => {
  const faulty = createTemporaryFolder('templates-');
  const dataDir = createDataDir();
  writeFileSync(
    join(faulty, 'a.json'),
    JSON.stringify({ id: 'a', displayName: 'A', variables: { x: { pattern: 'y' } } }),
  );
  writeFileSync(join(faulty, 'b.json'), '{');
  const env = { ...service.stack.env, TEMPLATES_DIR: faulty };
  const broker = spawnBroker({ env, dataDir: dataDir.path, port: await freePort() });
  expect(await broker.ended).toEqual([1, null]);
  expect(broker.logs()).toContain('Provider templates are faulty:');
  expect(broker.logs()).toContain(`${faulty}/a.json: variables.x.pattern: must be anchored`);
  expect(broker.logs()).toContain(`${faulty}/b.json: is not JSON`);
  rmSync(faulty, { recursive: true });
  await dataDir.remove();
});

test('a connection of an added template sends the person to the provider that the file describes', async () => {
  const body = { connection_name: uniqueName(), provider: 'made-up', client_id: 'c', variables: { tenant: 'acme' } };
  expect((await service.api.post('/connections', body)).status).toBe(201);
  const { body: started } = await service.api.post(`/connections/${body.connection_name}/authorize`, {});
  const opened = await fetch(String(started.authorization_url), { redirect: 'manual' });
  const location = new URL(opened.headers.get('location') ?? '');
  expect(`${location.origin}${location.pathname}`).toBe('https://acme.made-up.example/authorize');
  expect(location.searchParams.get('scope')).toBe('read write');
  expect(location.searchParams.get('redirect_uri')).toBe(`${service.broker.url}/callback/${body.connection_name}`);
});

test('q selects templates by a part of the id or of the display name', async () => {
  const ids = async (q: string) => (await list(`?q=${encodeURIComponent(q)}`)).map(({ id }) => id);
  expect(await ids('UP THINGS')).toEqual(['made-up']);
  expect(await ids('made-')).toEqual(['made-up']);
  expect(await ids('no such provider')).toEqual([]);
  expect(await ids(' ')).toEqual((await list()).map(({ id }) => id));
});

describe('the redirect URIs of a template', () => {
  const uris = async (api: Service['api'], path = '/providers/made-up', organization?: string) =>
    (await api.get(path, organization === undefined ? {} : { organization })).body.redirect_uris;

  test('are those that the key may use', async () => {
    const base = `${service.broker.url}/callback`;
    const one = await service.newKey({ organizations: ['one'], global: false });
    const several = await service.newKey({ organizations: ['one', 'two'], global: false });
    const name = '{connection_name}';
    expect(await uris(service.api)).toEqual({ global: `${base}/${name}`, organization: null });
    expect(await uris(one.api)).toEqual({ global: null, organization: `${base}/one/${name}` });
    expect(await uris(several.api)).toEqual({ global: null, organization: null });
    expect(await uris(several.api, '/providers/made-up', 'two')).toEqual({
      global: null,
      organization: `${base}/two/${name}`,
    });
    for (const path of ['/providers', '/providers/made-up']) {
      const refused = await several.api.get(path, { organization: 'three' });
      expect(refused).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    }
  });

  test('are exactly those of the connection that is created, if the request names it', async () => {
    const name = uniqueName();
    const organization = 'a:b@c';
    const shown = await uris(service.api, `/providers/made-up?connection_name=${name}`, organization);
    for (const [owner, expected] of [
      [undefined, (shown as Provider['redirect_uris']).global],
      [organization, (shown as Provider['redirect_uris']).organization],
    ] as const) {
      const body = { connection_name: name, provider: 'made-up', client_id: 'c', variables: { tenant: 'acme' } };
      const created = await service.api.post('/connections', body, owner === undefined ? {} : { organization: owner });
      expect(created.status, created.text).toBe(201);
      expect(created.body.redirect_uri).toBe(expected);
    }
  });

  test('are absent for a provider without a browser flow, and a name that no connection can have is refused', async () => {
    for (const { id, flows, redirect_uris } of await list()) {
      expect([id, redirect_uris.global === null]).toEqual([id, !flows.includes('authorization_code')]);
    }
    expect((await service.api.get('/providers/made-up?connection_name=a%20b')).status).toBe(400);
  });
});

test('a connection with the required fields alone is accepted, and without any one of them refused', async () => {
  for (const { id, fields, flows } of await list()) {
    const required = fields.filter((field) => field.required);
    const flow = flows.includes('authorization_code') ? 'authorization_code' : flows[0];
    const create = async (names: readonly Field[]) => {
      const body = { connection_name: uniqueName(), provider: id, oauth_flow_type: flow, ...bodyOf(names) };
      return service.api.post('/connections?dry_run=true', body);
    };
    const whole = await create(required);
    expect(whole.status, `${id}: ${whole.text}`).toBe(200);
    for (const left of required) {
      const refused = await create(required.filter((each) => each !== left));
      expect(refused.status, `${id} without ${left.name}`).toBe(400);
      expect(refused.body.errors, `${id} without ${left.name}`).toContainEqual(
        expect.objectContaining({ path: left.name }),
      );
    }
  }
});

const samples = [
  'acme',
  'acme.example.com',
  '12345',
  'us',
  'eu',
  '8f1b7a52-0c1e-4f0a-9c58-2b5a8f0c7d11',
  'https://acme.example.com',
];

function bodyOf(fields: readonly Field[]): Record<string, unknown> {
  const variables: Record<string, string> = {};
  const body: Record<string, unknown> = { variables };
  for (const { name, pattern } of fields) {
    const [member = '', variable] = name.split('.');
    if (variable === undefined) {
      body[member] = member.endsWith('_url') ? 'https://provider.example/oauth' : 'value';
      continue;
    }
    const sample = samples.find((each) => new RegExp(pattern ?? '').test(each));
    if (sample === undefined) throw new Error(`no sample matches ${pattern}`);
    variables[variable] = sample;
  }
  return body;
}

test.each(['absent', '__proto__', 'constructor', '..%2Fgeneric', 'Google'])(
  'the provider template %s gives 404',
  async (id) => {
    const response = await service.api.get(`/providers/${id}`);
    expect(response).toMatchObject({ status: 404, body: { code: 'not_found' } });
  },
);
