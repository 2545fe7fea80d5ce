import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openService, type Service, uniqueName } from '../contract/service.ts';
import { addConnection, importGrant, type TestConnection } from '../e2e/connections.ts';
import { type ConsoleClient, type ConsolePage, signedInConsole } from '../support/console/console-client.ts';
import { withoutLaterSweeps } from '../support/http/first-sweep.ts';
import { json, tokens } from '../support/provider/hostile-provider.ts';

let service: Service;
let admin: ConsoleClient;
const acme = uniqueName('acme');
const other = uniqueName('other');
/** Works. Its account carries markup. */
let working: Found;
/** Its refresh token is refused. */
let failed: Found;
let foreign: Found;
const hostileAccount = '"><img src=x onerror=alert(1)>';

interface Found {
  connection: TestConnection;
  grantId: string;
  page: string;
}

beforeAll(async () => {
  service = await openService(withoutLaterSweeps);
  service.hostile.script('/works', tokens('canary-access-2', 'canary-refresh-2'));
  service.hostile.script('/refuses', json(400, { error: 'invalid_grant', error_description: '<b>gone</b>' }));
  working = await found(acme, '/works', { subject: 'ada', account_id: hostileAccount });
  failed = await found(acme, '/refuses', { subject: 'bob' });
  foreign = await found(other, '/works', { subject: 'eve-of-other' });
  for (const { connection, subject } of [
    { connection: working.connection, subject: 'ada' },
    { connection: working.connection, subject: 'ada' },
    { connection: failed.connection, subject: 'bob' },
  ]) {
    await service.api.post(`${connection.path}/refresh`, { subject }, { organization: acme });
  }
  admin = await signedInConsole(service.broker.url, service.stack.adminKey());
});
afterAll(() => service?.close());

async function found(organization: string, path: string, body: Record<string, unknown>): Promise<Found> {
  const connection = await addConnection(service, {
    organization,
    body: { token_url: `${service.hostile.origin}${path}`, multi_account: true, allow_import: true },
  });
  const tokensOf = { access_token: 'canary-access', refresh_token: 'canary-refresh', ...body };
  const { grantId } = await importGrant(service, connection, 3600, tokensOf);
  const page = `/console/connections/${connection.name}/grants/${grantId}?organization=${organization}`;
  return { connection, grantId, page };
}

async function member(permissions: string[], organization = acme): Promise<ConsoleClient> {
  const { key } = await service.newKey({ permissions, organizations: [organization], global: false });
  return signedInConsole(service.broker.url, key);
}

const csrfOf = (page: ConsolePage) => ({
  _csrf: page.forms.find(({ fields }) => '_csrf' in fields)?.fields._csrf ?? '',
});

const get = async (path: string, by = admin) => {
  const page = await by.get(path);
  expect(page.status, page.text).toBe(200);
  expect(page.html).not.toContain('canary');
  return page;
};

describe('the list of grants', () => {
  test.each([
    ['organization', () => acme],
    ['connection', () => failed.connection.name],
    ['provider', () => 'generic'],
    ['status', () => 'failed'],
    ['status_reason', () => 'reauthorization_required'],
    ['next_action', () => 'authorize'],
    ['expires_within', () => '1'],
    ['q', () => 'bo'],
  ])('the filter %s stands in the address and in its field, and selects', async (name, value) => {
    const page = await get(`/console/grants?${new URLSearchParams({ [name]: value() })}`);
    expect(page.forms.find(({ fields }) => 'status_reason' in fields)?.fields[name]).toBe(value());
    expect(page.links).toContain(failed.page);
    const opposite = { organization: other, connection: 'none', provider: 'slack', status: 'not_connected' };
    const rest = { status_reason: 'user_denied', next_action: 'reconfigure', expires_within: '0', q: 'nobody-here' };
    const without = { ...opposite, ...rest }[name] ?? '';
    expect((await get(`/console/grants?${name}=${without}`)).links).not.toContain(failed.page);
  });

  test('a grant whose refresh token has no known end is not among those that end soon', async () => {
    expect((await get('/console/grants?refresh_expires_within=14')).links).not.toContain(failed.page);
  });

  test('a chip keeps the organisation, and a filter that cannot be is refused with its name', async () => {
    const page = await get(`/console/grants?organization=${acme}`);
    expect(page.links).toContain(`/console/grants?organization=${acme}&next_action=authorize`);
    for (const [query, name] of [
      ['status=bogus', 'status'],
      ['expires_within=soon', 'expires_within'],
      ['q=%00', 'q'],
    ]) {
      const refused = await admin.get(`/console/grants?${query}`);
      expect(refused.status).toBe(400);
      expect(refused.text).toContain(name);
    }
  });

  test('names from outside are text', async () => {
    const { html, text } = await get(`/console/grants?organization=${acme}`);
    expect(html).not.toContain('<img');
    expect(text).toContain(hostileAccount);
  });

  test('a caller of one organisation sees no grant of another', async () => {
    const page = await get('/console/grants', await member(['connections:read', 'admin:read']));
    expect(page.links).toContain(working.page);
    expect(page.html).not.toContain(foreign.grantId);
  });

  test('a visitor without admin:read is led to the connections', async () => {
    const page = await get('/console/grants', await member(['connections:read']));
    expect(page.text).toContain('admin:read');
    expect(page.html).not.toContain(working.grantId);
  });
});

describe('the page of a grant', () => {
  test('refreshes are folded, the first entry is the import, and the future has its times', async () => {
    const page = await get(working.page);
    expect(page.text).toContain('Refreshed × 2');
    expect(page.text.indexOf('Next refresh')).toBeLessThan(page.text.indexOf('Now '));
    expect(page.text.indexOf('Now ')).toBeLessThan(page.text.indexOf('Refreshed × 2'));
    expect(page.text.indexOf('Refreshed × 2')).toBeLessThan(page.text.indexOf('Tokens imported'));
    expect(page.html).not.toContain('<img');
  });

  test('a failed grant says why and who must act, in the words of its reason', async () => {
    const page = await get(failed.page);
    expect(page.text).toContain('The provider refuses the refresh token');
    expect(page.text).toContain('Refresh failed: invalid_grant');
    expect(page.text).toContain('<b>gone</b>');
    expect(page.html).not.toContain('<b>gone');
    expect(page.forms.map(({ label }) => label)).toContain('Reconnect');
    expect(page.links).toContain(failed.page.replace('?', '/revoke?'));
  });

  test('a visitor without admin:read sees the state and the future only', async () => {
    const page = await get(working.page, await member(['connections:read']));
    expect(page.text).toContain('Next refresh');
    expect(page.text).toContain('admin:read');
    expect(page.text).not.toContain('Refreshed ×');
    expect(page.forms.map(({ label }) => label)).not.toContain('Refresh now');
  });

  test.each([['connections:read'], ['admin:read']])(
    'another organisation’s grant is not found with %s',
    async (more) => {
      const client = await member(['connections:read', 'connections:authorize', more]);
      for (const address of [foreign.page, foreign.page.replace(other, acme)]) {
        const page = await client.get(address);
        expect([403, 404]).toContain(page.status);
        expect(page.html).not.toContain('eve-of-other');
      }
      const csrf = csrfOf(await client.get('/console/grants'));
      for (const [address, status] of [
        [foreign.page, 403],
        [foreign.page.replace(other, acme), 404],
      ] as const) {
        expect((await client.post(address.replace('?', '/refresh?'), csrf)).status).toBe(status);
      }
    },
  );

  test('the grant of one organisation is not shown as that of another', async () => {
    for (const address of [working.page.replace(acme, other), working.page.replace(working.connection.name, 'crm')]) {
      const page = await admin.get(address);
      expect(page.status).toBe(404);
      expect(page.text).not.toContain(hostileAccount);
    }
  });

  test('a refresh and a test say what they have done', async () => {
    const { text } = await admin.submit(await get(working.page), 'Refresh now');
    expect(text).toContain('Refreshed: a new token is stored.');
    expect(text).toContain('Refreshed × 3');
    const refused = await admin.submit(await get(failed.page), 'Refresh now');
    expect(refused.status).toBe(200);
    expect(refused.text).toContain('The grant does not work.');
  });

  test('a reconnect leads to a link that names the subject of the grant', async () => {
    const page = await admin.submit(await get(failed.page), 'Reconnect');
    const link = page.links.find((each) => each.includes('/authorize/'));
    expect(link).toBeDefined();
    expect(page.html).toContain(`http-equiv="refresh" content="0; url=${link}"`);
    const state = link?.split('/').at(-1);
    const { body } = await service.api.get(`/authorizations/${state}`, { organization: acme });
    expect(body).toMatchObject({ subject: 'bob' });
  });

  test('a grant behind an own connection of the same name is shown as what it is, without acts', async () => {
    const global = await addConnection(service, { body: { token_url: `${service.hostile.origin}/works` } });
    const { grantId } = await importGrant(service, { ...global, organization: acme }, 3600, { subject: 'zoe' });
    const asOther = await admin.get(`/console/connections/${global.name}/grants/${grantId}?organization=${other}`);
    expect(asOther.status).toBe(404);
    const created = await service.api.post(
      '/connections',
      {
        connection_name: global.name,
        client_id: 'own',
        client_secret: 'own-secret',
        authorization_url: service.provider.endpoints.authorization,
        token_url: `${service.hostile.origin}/works`,
      },
      { organization: acme },
    );
    expect(created.status, created.text).toBe(201);
    const page = await get(`/console/connections/${global.name}/grants/${grantId}?organization=${acme}`);
    expect(page.text).toContain('This grant belongs to the global connection');
    const labels = page.forms.map(({ label }) => label);
    for (const label of ['Reconnect', 'Refresh now', 'Test']) expect(labels).not.toContain(label);
    const acted = await admin.post(`${page.url.pathname}/refresh${page.url.search}`, csrfOf(page));
    expect(acted.status).toBe(404);
  });
});
