import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openService, type Service, uniqueName } from '../contract/service.ts';
import { addConnection, importGrant, type TestConnection } from '../e2e/connections.ts';
import { type ConsoleClient, signedInConsole } from '../support/console/console-client.ts';
import { withoutLaterSweeps } from '../support/http/first-sweep.ts';

let service: Service;
let admin: ConsoleClient;
const acme = uniqueName('acme');
const other = uniqueName('other');
let own: TestConnection;
let foreign: TestConnection;
let grantId: string;
let accessToken: string;
/** A key of one organisation that may fetch what begins with `c-`. */
let fetching: { id: string; key: string };

beforeAll(async () => {
  service = await openService(withoutLaterSweeps);
  own = await addConnection(service, { organization: acme });
  foreign = await addConnection(service, { organization: other });
  ({ grantId, accessToken } = await importGrant(service, own, 3600));
  await importGrant(service, foreign, 3600);
  const rights = { permissions: ['credentials:read'], organizations: [acme], global: false, connections: ['c-*'] };
  fetching = await service.newKey({ ...rights, name: '<i>Night & day</i>' });
  await service.as(fetching.key).get(own.credential);
  admin = await signedIn(service.stack.adminKey());
});
afterAll(() => service?.close());

const signedIn = (key: string) => signedInConsole(service.broker.url, key);

const member = async (permissions: string[]) =>
  signedIn((await service.newKey({ permissions, organizations: [acme], global: false })).key);

const get = async (path: string, by = admin) => {
  const page = await by.get(path);
  expect(page.status, page.text).toBe(200);
  expect(page.html).not.toContain(accessToken);
  return page;
};
const explained = (query: Record<string, string>, by = admin) =>
  get(`/console/explain?${new URLSearchParams({ organization: acme, name: own.name, ...query })}`, by);

describe('explain a fetch', () => {
  test('a fetch that works, with the steps of the API', async () => {
    const page = await explained({});
    expect(page.text).toContain('The fetch gets a token');
    const { body } = await service.api.get(`${own.credential}/explain`, { organization: acme });
    for (const { step, detail } of (body as unknown as { steps: { step: string; detail: string }[] }).steps) {
      if (step !== 'token') expect(page.text).toContain(detail);
    }
    expect(page.html).not.toContain('<b>');
  });

  test.each([
    [{ scopes: 'calendar' }, '403', 'insufficient_scope'],
    [{ name: 'no-such' }, '404', 'connection_not_found'],
    [{ subject: 'ada' }, '503', 'grant_not_found'],
  ])('%j is refused as the fetch is', async (query, status, code) => {
    const page = await explained(query);
    const address = new URLSearchParams(query as Record<string, string>);
    const name = address.get('name') ?? own.name;
    address.delete('name');
    const fetched = await service.api.get(`/credentials/${name}?${address}`, { organization: acme });
    expect(fetched.body.code).toBe(code);
    expect(page.text).toContain(code);
    expect(page.text).toContain(`Status ${fetched.status}`);
    expect([String(fetched.status)]).toEqual([status === '503' ? String(fetched.status) : status]);
  });

  test('a key is judged by its own rights', async () => {
    const covered = await explained({ caller: fetching.id });
    expect(covered.text).toContain('The fetch gets a token');
    expect(covered.html).not.toContain('<i>');
    expect(covered.text).toContain('<i>Night & day</i>');
    const uncovered = await explained({ caller: fetching.id, name: 'mail' });
    expect(uncovered.text).toContain('forbidden');
    const elsewhere = await explained({ caller: fetching.id, organization: other, name: foreign.name });
    expect(elsewhere.text).toContain(`The key may not act for the organization ${other}.`);
    expect(elsewhere.text).toContain('forbidden');
  });

  test('a revoked key is refused before the fetch', async () => {
    const { id } = await service.newKey({ permissions: ['credentials:read'], organizations: [acme], global: false });
    await service.api.delete(`/admin/api-keys/${id}`);
    const page = await explained({ caller: id });
    expect(page.text).toContain('unauthorized');
    expect(page.text).toContain('is revoked since');
  });

  test('another key widens nothing', async () => {
    const { id: wide } = await service.newKey({});
    const reader = await member(['connections:read', 'admin:read', 'credentials:read']);
    expect((await reader.get(`/console/explain?organization=${acme}&name=${own.name}&caller=${wide}`)).status).toBe(
      404,
    );
    for (const caller of ['', fetching.id]) {
      const query = new URLSearchParams({ organization: other, name: foreign.name, caller });
      const page = await reader.get(`/console/explain?${query}`);
      expect(page.status).toBe(403);
      expect(page.text).not.toContain('grant ');
    }
    const auditor = await member(['admin:read']);
    const refused = await get(`/console/explain?organization=${acme}&name=${own.name}`, auditor);
    expect(refused.text).toContain('connections:read');
    expect(refused.text).not.toContain('Provider generic');
  });

  test('a value that no fetch takes is refused with the name of its field', async () => {
    for (const [name, value] of [
      ['min_ttl', 'long'],
      ['name', '../etc'],
      ['subject', '\0'],
    ]) {
      const page = await admin.get(`/console/explain?${new URLSearchParams({ [name ?? '']: value ?? '' })}`);
      expect(page.status).toBe(400);
      expect(page.text).toContain(name);
    }
  });
});

describe('the audit', () => {
  test.each([
    ['actor', () => 'bootstrap'],
    ['action', () => 'grant.imported'],
    ['organization', () => acme],
    ['connection', () => own.name],
    ['grant', () => grantId],
    ['outcome', () => 'success'],
    ['to', () => '2999-01-01T00:00:00'],
    ['from', () => '2020-01-01T00:00:00'],
  ])('the filter %s stands in the address and in its field, and selects', async (name, value) => {
    const query = { organization: acme, action: 'grant.imported', [name]: value() };
    const page = await get(`/console/audit?${new URLSearchParams(query)}`);
    expect(page.forms.find(({ fields }) => 'outcome' in fields)?.fields[name]).toBe(value());
    expect(page.links).toContain(`/console/connections/${own.name}/grants/${grantId}?organization=${acme}`);
    const others = { actor: 'nobody', action: 'workflow.enabled', organization: 'none', connection: 'none' };
    const rest = { grant: '0', outcome: 'failure', to: '2020-01-01', from: '2999-01-01' };
    const without = { ...query, [name]: { ...others, ...rest }[name] ?? '' };
    expect((await get(`/console/audit?${new URLSearchParams(without)}`)).text).toContain('No event matches.');
  });

  test('a key has its name, an action has words, and details are text', async () => {
    await expect
      .poll(async () => (await admin.get(`/console/audit?organization=${acme}&action=credential.fetched`)).text, {
        timeout: 20_000,
      })
      .toContain('<i>Night & day</i>');
    const page = await get(`/console/audit?organization=${acme}`);
    expect(page.text).toContain('Connection created');
    expect(page.html).not.toContain('<i>');
  });

  test('the next page goes on where the first ends', async () => {
    for (let count = 0; count < 26; count += 1) {
      await service.api.patch(foreign.path, { description: `edit ${count}` }, { organization: other });
      await service.api.patch(foreign.path, { description: `again ${count}` }, { organization: other });
    }
    const first = await get(`/console/audit?organization=${other}&action=connection.updated`);
    const next = first.links.find((each) => each.includes('cursor='));
    expect(next).toContain('action=connection.updated');
    expect((first.html.match(/<tr>/g) ?? []).length).toBe(51);
    expect(((await get(next ?? '')).html.match(/<tr>/g) ?? []).length).toBe(3);
  });

  test('the export has the lines of the API, of the visitor’s organisations only', async () => {
    const { key } = await service.newKey({ permissions: ['admin:read'], organizations: [acme], global: false });
    const auditor = await signedIn(key);
    const until = new Date().toISOString();
    const lines = await fetch(`${service.broker.url}/admin/audit-events?to=${until}`, {
      headers: { authorization: `Bearer ${key}`, accept: 'application/x-ndjson' },
    });
    const file = await auditor.get(`/console/audit.ndjson?to=${until.slice(0, 23)}`);
    expect(file.headers.get('content-type')).toContain('application/x-ndjson');
    expect(file.headers.get('content-disposition')).toContain('attachment');
    expect(file.html).toBe(await lines.text());
    expect(file.html).toContain(own.name);
    expect(file.html).not.toContain(foreign.name);
    expect(file.html).not.toContain(accessToken);
  });

  test('events of another organisation are invisible, and the page needs admin:read', async () => {
    const auditor = await member(['admin:read']);
    for (const query of ['', `?organization=${other}`, `?connection=${foreign.name}`]) {
      const page = await get(`/console/audit${query}`, auditor);
      expect(page.links.join(' ')).not.toContain(`/console/connections/${foreign.name}`);
    }
    const reader = await member(['connections:read']);
    for (const path of ['/console/audit', '/console/audit.ndjson']) {
      const page = await reader.get(path);
      expect(page.status).toBe(403);
      expect(page.text).not.toContain(own.name);
    }
  });

  test('a time that is none is refused with the name of its field', async () => {
    const page = await admin.get('/console/audit?from=yesterday');
    expect(page.status).toBe(400);
    expect(page.text).toContain('from');
  });
});
