import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openService, type Service, uniqueName } from '../contract/service.ts';
import { addConnection, importGrant, type TestConnection } from '../e2e/connections.ts';
import { type ConsoleClient, createConsoleClient } from '../support/console/console-client.ts';

let service: Service;
let client: ConsoleClient;
let connection: TestConnection;
const acme = uniqueName('acme');
const other = uniqueName('other');

beforeAll(async () => {
  service = await openService();
  connection = await addConnection(service, { organization: acme });
  await importGrant(service, connection, 3600);
  await addConnection(service, { organization: other });
  client = createConsoleClient(service.broker.url);
  await client.signIn(service.stack.adminKey());
});
afterAll(() => service?.close());

const listed = async (query: string, by = client) => {
  const page = await by.get(`/console/connections?${query}`);
  expect(page.status, page.text).toBe(200);
  return page;
};

describe('the list of connections', () => {
  test('an administrator sees every organisation, and words for states', async () => {
    const page = await listed(`organization=${acme}`);
    expect(page.text).toContain(connection.name);
    expect(page.text).toContain('Works');
    expect(page.links).toContain(`/console/connections/${connection.name}?organization=${acme}`);
  });

  test.each([
    ['q', () => connection.name.slice(0, 8)],
    ['status', () => 'completed'],
    ['provider', () => 'generic'],
    ['flow', () => 'authorization_code'],
    ['organization', () => acme],
  ])('the filter %s stands in the address and in its field', async (name, value) => {
    const page = await listed(new URLSearchParams({ [name]: value(), organization: acme }).toString());
    const filters = page.forms.find(({ fields }) => 'flow' in fields);
    expect(filters?.fields[name]).toBe(value());
    expect(page.text).toContain(connection.name);
  });

  test('a key of one organisation sees its connections only, without the right to administer', async () => {
    const { key } = await service.newKey({ permissions: ['connections:read'], organizations: [acme], global: false });
    const member = createConsoleClient(service.broker.url);
    await member.signIn(key);
    const page = await listed('', member);
    expect(page.text).toContain(connection.name);
    expect(page.text).not.toContain(other);
    expect(page.text).not.toContain('New connection');
    const foreign = await member.get(`/console/connections?organization=${other}`);
    expect(foreign.status).toBe(403);
    expect(foreign.text).not.toContain('crm-');
  });

  test('a filter with a value that does not exist is refused with its name', async () => {
    const page = await client.get('/console/connections?status=bogus');
    expect(page.status).toBe(400);
    expect(page.text).toContain('status');
  });
});
