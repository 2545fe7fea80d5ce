import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { reasonTexts } from '../../src/console/reasons/reason-texts.ts';
import { statusReasons } from '../../src/domain/grants/grant.ts';
import { everyPermission, openService, type Service, uniqueName } from '../contract/service.ts';
import { addConnection, importGrant, type TestConnection } from '../e2e/connections.ts';
import { createBrowser } from '../support/browser/browser.ts';
import {
  type ConsoleClient,
  type ConsolePage,
  createConsoleClient,
  signedInConsole,
} from '../support/console/console-client.ts';
import { signIn } from '../support/oauth-server/sign-in.ts';

const hostile = '<img src=x onerror=alert(1)>"\'';
const acme = uniqueName('acme');
const other = uniqueName('other');
let service: Service;
let client: ConsoleClient;
let crm: TestConnection;

beforeAll(async () => {
  service = await openService();
  client = await signedInConsole(service.broker.url, service.stack.adminKey());
  crm = await addConnection(service, { organization: acme, body: { description: hostile } });
  await importGrant(service, crm, 3600, { account_id: hostile });
});
afterAll(() => service?.close());

const path = (name: string, part = '', organization = acme) =>
  `/console/connections/${name}${part === '' ? '' : `/${part}`}?organization=${organization}`;
const open = async (name: string, part = '', organization = acme, by = client) => {
  const page = await by.get(path(name, part, organization));
  expect(page.status, page.text).toBe(200);
  expect(page.html.match(/<h1\b/g)).toHaveLength(1);
  return page;
};
const hasForm = (page: ConsolePage, part: string) => page.forms.some(({ action }) => action.includes(`/${part}?`));
const events = async (name: string, action: string) =>
  (await service.api.get(`/admin/audit-events?connection_name=${name}&action=${action}`)).body
    .audit_events as unknown[];
const member = async (permissions: string[], organizations = [acme]) => {
  const { key } = await service.newKey({ permissions, organizations, global: false });
  const signedIn = createConsoleClient(service.broker.url);
  await signedIn.signIn(key);
  return signedIn;
};

describe('the page of one connection', () => {
  test('tells the state, the next step and the dates, and escapes every text from outside', async () => {
    const page = await open(crm.name);
    expect(page.text).toContain('Why, and what next');
    expect(page.text).toContain('Working');
    expect(page.text).toContain(hostile);
    for (const part of ['', 'why', 'grants', 'timeline', 'dependants', 'settings', 'use', 'share']) {
      expect((await open(crm.name, part)).html, part).not.toContain('<img src=x');
    }
  });

  test('each act is refused without its permission, and its button is left out', async () => {
    const reader = await member(['connections:read']);
    const page = await open(crm.name, '', acme, reader);
    for (const part of ['connect', 'test', 'refresh', 'share', 'share-cancel']) {
      expect(hasForm(page, part), part).toBe(false);
      // The token of another form of the session is good: only the permission is missing.
      const csrf = page.forms[0]?.fields._csrf ?? page.forms.find(({ fields }) => '_csrf' in fields)?.fields._csrf;
      const refused = await reader.post(path(crm.name, part), { _csrf: csrf ?? '' });
      expect(refused.status, `${part} ${refused.text}`).toBe(403);
      expect(refused.text).toContain('connections:authorize');
    }
    expect((await open(crm.name, 'timeline', acme, reader)).text).toContain(
      'This part needs the permission admin:read',
    );
    expect((await open(crm.name, 'settings', acme, reader)).links.join()).not.toContain('/edit?');
  });

  test('another organisation does not find it, on any page and by any act', async () => {
    const foreign = await member(everyPermission, [other]);
    const csrf = (await foreign.get('/console/connections')).forms.find(({ fields }) => '_csrf' in fields)?.fields
      ._csrf;
    for (const part of ['', 'why', 'grants', 'timeline', 'dependants', 'settings', 'use', 'share']) {
      const page = await foreign.get(path(crm.name, part, other));
      expect(page.status, part).toBe(404);
      expect((await foreign.get(path(crm.name, part))).status, part).toBe(403);
    }
    for (const part of ['connect', 'test', 'refresh', 'share', 'share-cancel']) {
      const page = await foreign.post(path(crm.name, part, other), { _csrf: csrf ?? '' });
      expect(page.status, `${part} ${page.text}`).toBe(404);
    }
  });

  test('Test calls the provider, shows what came of it, and is audited', async () => {
    const page = await client.submit(await open(crm.name), 'Test');
    expect(page.status).toBe(200);
    expect(page.text).toMatch(/The test succeeded\. .*Response time: \d+ ms\..* UTC/);
    expect(await events(crm.name, 'connection.tested')).toHaveLength(1);
  });

  test('Refresh gets a new token, shows its end, and is audited', async () => {
    const page = await client.submit(await open(crm.name), 'Refresh now');
    expect(page.text).toMatch(/Refreshed\. There is a new access token\. It ends in /);
    await expect.poll(() => events(crm.name, 'grant.refreshed')).toHaveLength(1);
  });

  test('a refusal of an act stands on the page with its words and its code', async () => {
    const empty = await addConnection(service, { organization: acme });
    const page = await open(empty.name);
    expect(hasForm(page, 'test')).toBe(false);
    const csrf = page.forms.find(({ fields }) => '_csrf' in fields)?.fields._csrf ?? '';
    const tested = await client.post(path(empty.name, 'test'), { _csrf: csrf });
    expect(tested.text).toContain('Not tested.');
    expect(tested.text).toContain('connection_not_ready');
    const refreshed = await client.post(path(empty.name, 'refresh'), { _csrf: csrf });
    expect(refreshed.text).toContain('grant_not_found');
  });

  test('a person connects an account through the pages, and the page shows it', async () => {
    const fresh = await addConnection(service, { organization: acme });
    const before = await open(fresh.name);
    expect(before.text).toContain('Not connected yet');
    const page = await client.submit(before, 'Connect');
    const link = page.links.find((href) => href.includes('/authorize/')) ?? '';
    expect(page.html).toContain(`http-equiv="refresh" content="0; url=${link}"`);
    expect(await events(fresh.name, 'authorization.started')).toHaveLength(1);
    expect((await open(fresh.name)).text).toContain('Waiting for the person');
    const isBack = (url: URL) => url.pathname.startsWith('/console/');
    const { location } = await signIn(createBrowser(), link, { login: 'ada' }, isBack);
    expect(`${location?.pathname}?organization=${location?.searchParams.get('organization')}`).toBe(path(fresh.name));
    const after = await open(fresh.name);
    expect(after.text).toContain('Working');
    expect(after.forms.map(({ label }) => label)).toContain('Reconnect');
  });

  test('a connection of client credentials has no Connect, but is refreshed', async () => {
    const machine = await addConnection(service, {
      organization: acme,
      body: { oauth_flow_type: 'client_credentials', scopes: [], authorize_params: {}, authorization_url: null },
    });
    await expect.poll(async () => (await open(machine.name)).text).toContain('Working');
    const page = await open(machine.name);
    expect(hasForm(page, 'connect')).toBe(false);
    expect((await client.submit(page, 'Refresh now')).text).toContain('There is a new access token');
    expect(page.links.join()).not.toContain('/share?');
    expect((await open(machine.name, 'share')).text).toContain('there is no link to share');
    const csrf = page.forms.find(({ fields }) => '_csrf' in fields)?.fields._csrf ?? '';
    expect((await client.post(path(machine.name, 'connect'), { _csrf: csrf })).text).toContain('flow_not_interactive');
  });

  test('a global connection says so to an organisation, and one that hides it says that', async () => {
    const global = await addConnection(service);
    await importGrant(service, global, 3600);
    const seen = await open(global.name);
    expect(seen.text).toContain('This is the global connection');
    expect(seen.links).toContain(path(global.name, '', ''));
    expect(hasForm(seen, 'test')).toBe(false);
    expect(seen.text).toContain('Only the global scope tests and refreshes it');
    expect((await open(global.name, 'settings')).text).toContain('only the owner sees them');
    const own = { ...body(global), connection_name: global.name };
    expect((await service.api.post('/connections', own, { organization: acme })).status).toBe(201);
    expect((await open(global.name)).text).toContain('It hides the global connection');
    expect((await open(global.name, '', '')).text).not.toContain('This is the global connection');
  });

  test('a connection that a file keeps says so, and whether it was edited besides', async () => {
    const kept = await addConnection(service, { organization: acme });
    const set = (columns: string) => service.stack.sql(`update connections set ${columns} where name = '${kept.name}'`);
    await set("managed_by = 'connections.yaml', applied_revision = revision");
    expect((await open(kept.name)).text).toContain('The file connections.yaml keeps this connection. Change it there');
    await set('applied_revision = revision - 1');
    expect((await open(kept.name)).text).toContain('it was edited by other means since');
  });

  test('its tabs list grants, events and workflows', async () => {
    const { grantId } = await importGrant(service, crm, 3600, { subject: 'user-7' });
    const fetched = await service.api.get(`/credentials/${crm.name}?subject=user-7`, {
      organization: acme,
      headers: { 'x-workflow-id': 'invoices', 'x-workflow-name': hostile },
    });
    expect(fetched.status).toBe(200);
    const found = await open(crm.name, `grants`);
    expect(found.links).toContain(`/console/connections/${crm.name}/grants/${grantId}?organization=${acme}`);
    const filtered = await client.submit(found, 'Filter', { q: 'user-7', status: 'completed' });
    expect(filtered.html.match(/<th scope="row">/g)).toHaveLength(1);
    expect((await client.submit(found, 'Filter', { q: 'absent' })).text).toContain('No grant matches.');
    await expect.poll(async () => (await open(crm.name, 'dependants')).text).toContain('invoices');
    const timeline = await open(crm.name, 'timeline');
    expect(timeline.text).toContain('Connection created');
    expect(timeline.text).toContain('Tokens imported');
    const why = await open(crm.name, 'why');
    expect(why.text).toContain(`Workflows that use it ${hostile}`);
    expect(why.html).not.toContain('<img src=x');
  });
});

describe('why not ready', () => {
  test.each(statusReasons)(
    '%s has a page with cause, actor, next step, evidence and what callers get',
    async (reason) => {
      const grants = `(select id from connections where name = '${crm.name}')`;
      await service.stack.sql(
        `update grants set status = 'failed', status_reason = '${reason}', sealed_tokens = null, expires_at = null, obtained_at = null, refreshable = false, failing_since = now() - interval '2 hours'
       where subject is null and connection_id = ${grants}`,
      );
      const page = await open(crm.name, 'why');
      const { title, cause } = reasonTexts[reason];
      for (const text of [title, cause, 'must act.', 'connection_not_ready with status 503', 'Since 2 hours ago'])
        expect(page.text).toContain(text);
      expect(page.text).toContain(`Reason ${reason}`);
      const hasButton = page.forms.some(({ label }) => ['Reconnect', 'Connect', 'Refresh now', 'Test'].includes(label));
      expect(hasButton || page.links.some((link) => link.includes('/edit?'))).toBe(true);
      expect((await open(crm.name)).text).toContain(title);
    },
  );
});

/** Fields of the API for a second connection like it. */
function body({ clientId, clientSecret }: TestConnection): Record<string, unknown> {
  const { endpoints } = service.provider;
  return {
    client_id: clientId,
    client_secret: clientSecret,
    authorization_url: endpoints.authorization,
    token_url: endpoints.token,
    test_url: endpoints.userinfo,
  };
}
