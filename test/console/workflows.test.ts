import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openService, type Service, uniqueName } from '../contract/service.ts';
import { addConnection, importGrant } from '../e2e/connections.ts';
import { type ConsoleClient, signedInConsole } from '../support/console/console-client.ts';

let service: Service;
let admin: ConsoleClient;
const acme = uniqueName('acme');
const other = uniqueName('other');
const list = `/console/workflows?organization=${acme}`;

beforeAll(async () => {
  service = await openService();
  admin = await signedInConsole(service.broker.url, service.stack.adminKey());
});
afterAll(() => service?.close());

const pageOf = (id: string, organization = acme) => `/console/workflows/${id}?organization=${organization}`;

async function depend(id: string, connection: string): Promise<void> {
  const body = { connection_name: connection, workflow_name: 'Nightly report' };
  const { status, text } = await service.api.post(`/workflows/${id}/dependencies`, body, { organization: acme });
  expect(status, text).toBe(201);
}

async function member(permissions: string[], organizations = [acme]): Promise<ConsoleClient> {
  const { key } = await service.newKey({ permissions, organizations, global: false });
  return signedInConsole(service.broker.url, key);
}

test('a workflow of a deleted connection can be enabled when the connection is back, and not before', async () => {
  const first = await addConnection(service, { organization: acme });
  await depend('report', first.name);
  await service.api.delete(`${first.path}?confirm_disable_workflows=true`, { organization: acme });

  const deleted = await admin.get(list);
  expect(deleted.text).toContain('Deleted');
  expect(deleted.text).toContain(`There is no connection named ${first.name}.`);
  expect(deleted.text).not.toContain('Enable');

  const again = await addConnection(service, { organization: acme, body: { connection_name: first.name } });
  const unconnected = await admin.get(list);
  expect(unconnected.text).toContain('has no working token');
  expect(unconnected.links).toContain(`/console/connections/${first.name}/why?organization=${acme}`);
  expect(unconnected.forms.some(({ label }) => label === 'Enable')).toBe(false);

  await importGrant(service, { ...again, path: first.path }, 3600);
  const enabled = await admin.submit(await admin.get(list), 'Enable');
  expect(enabled.text).toContain('The workflow is enabled.');
  const { body } = await service.api.get('/workflows/report', { organization: acme });
  expect(body).toMatchObject({ is_disabled: false, enabled_by: 'bootstrap' });
});

describe('the page of a workflow', () => {
  test('shows what it uses, disables it with a reason, and enables it again', async () => {
    const connection = await addConnection(service, { organization: acme });
    await depend('orders', connection.name);
    const page = await admin.get(pageOf('orders'));
    expect(page.text).toContain('Nightly report');
    expect(page.links).toContain(`/console/connections/${connection.name}?organization=${acme}`);
    const disabled = await admin.submit(page, 'Disable', { reason: 'sends duplicates' });
    expect(disabled.text).toContain('The workflow is disabled.');
    expect(disabled.text).toContain('sends duplicates');
    expect((await service.api.get('/workflows/orders', { organization: acme })).body.is_disabled).toBe(true);
    expect((await admin.submit(disabled, 'Enable')).text).toContain('Its fetches are served.');
  });

  test.each([
    ['', 'is missing'],
    ['x'.repeat(501), 'has more than 500 characters'],
    ['two\u0007tones', 'control characters'],
  ])('shows the form again for a reason that is not valid (%#)', async (reason, fault) => {
    const page = await admin.submit(await admin.get(pageOf('orders')), 'Disable', { reason });
    expect(page.status).toBe(400);
    expect(page.text).toContain(fault);
    expect((await service.api.get('/workflows/orders', { organization: acme })).body.is_disabled).toBe(false);
  });

  test('a hostile reason is shown as text', async () => {
    const reason = '<img src=x onerror=alert(1)>"\'';
    const page = await admin.submit(await admin.get(pageOf('hostile')), 'Disable', { reason });
    expect(page.text).toContain(reason);
    expect(page.html).not.toContain('<img');
    expect((await admin.get(list)).html).not.toContain('<img');
  });

  test('an id that is not one of a workflow is refused', async () => {
    expect((await admin.get(pageOf('disabled'))).status).toBe(400);
    expect((await admin.get(pageOf('%3Cb%3E'))).status).toBe(400);
  });

  test('the list opens a workflow by its id', async () => {
    const page = await admin.submit(await admin.get(list), 'Show', { id: 'orders', organization: acme });
    expect(page.url.pathname).toBe('/console/workflows/orders');
    expect(page.url.searchParams.get('organization')).toBe(acme);
  });
});

describe('rights', () => {
  const csrfOf = async (client: ConsoleClient) => (await client.get('/console/sessions')).forms[0]?.fields._csrf ?? '';

  test('a visitor without the right to switch sees no button, and is refused', async () => {
    const client = await member(['connections:read']);
    const page = await client.get(pageOf('orders'));
    expect(page.status).toBe(200);
    expect(page.forms.some(({ label }) => label === 'Disable')).toBe(false);
    const _csrf = await csrfOf(client);
    for (const act of ['disable', 'enable']) {
      const refused = await client.post(`/console/workflows/orders/${act}?organization=${acme}`, {
        _csrf,
        reason: 'x',
      });
      expect(refused.status).toBe(403);
      expect(refused.text).toContain('workflows:write');
    }
  });

  test('a visitor of another organisation sees and switches nothing', async () => {
    const client = await member(['connections:read', 'workflows:write'], [other]);
    expect((await client.get(list)).status).toBe(403);
    expect((await client.get(pageOf('hostile'))).status).toBe(403);
    const _csrf = await csrfOf(client);
    const refused = await client.post(`/console/workflows/hostile/enable?organization=${acme}`, { _csrf });
    expect(refused.status).toBe(403);
    const own = await client.get('/console/workflows');
    expect(own.status).toBe(200);
    expect(own.text).toContain(`Disabled workflows of ${other}`);
    expect(own.text).not.toContain('hostile');
    expect((await service.api.get('/workflows/hostile', { organization: acme })).body.is_disabled).toBe(true);
  });

  test('a visitor of two organisations begins with the first, and may choose', async () => {
    const client = await member(['connections:read'], [other, acme]);
    const first = await client.get('/console/workflows');
    expect(first.text).toContain(`Disabled workflows of ${other}`);
    const second = await client.submit(first, 'Show', { organization: acme });
    expect(second.text).toContain('hostile');
  });
});
