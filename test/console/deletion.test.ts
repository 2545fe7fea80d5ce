import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openService, type Service, uniqueName } from '../contract/service.ts';
import { addConnection, importGrant, type TestConnection } from '../e2e/connections.ts';
import {
  type ConsoleClient,
  type ConsolePage,
  createConsoleClient,
  signedInConsole,
} from '../support/console/console-client.ts';

let service: Service;
let client: ConsoleClient;
const acme = uniqueName('acme');

beforeAll(async () => {
  service = await openService();
  client = await signedInConsole(service.broker.url, service.stack.adminKey());
});
afterAll(() => service?.close());

const pathOf = ({ name, organization = '' }: TestConnection, part = 'delete') =>
  `/console/connections/${name}/${part}?organization=${organization}`;
const statusOf = async ({ path, organization }: TestConnection) =>
  (await service.api.get(path, { organization })).status;
const send = (page: ConsolePage, label: string, fields: Record<string, string> = {}) =>
  client.submit(page, label, fields);

async function addUsed(organization: string | undefined = acme) {
  const connection = await addConnection(service, { ...(organization && { organization }) });
  const { grantId } = await importGrant(service, connection, 3600);
  return { connection, grantId, grant: `grants/${grantId}` };
}

describe('the deletion of a connection', () => {
  test('the page names what ends: grants, workflows, callers, and what ends at the provider', async () => {
    const { connection } = await addUsed();
    const options = { organization: acme };
    const workflow = uniqueName('w');
    const dependency = { connection_name: connection.name, workflow_name: 'Invoice sync' };
    await service.api.post(`/workflows/${workflow}/dependencies`, dependency, options);
    const fetcher = await service.newKey({ name: 'Nightly export' });
    for (let fetched = 0; fetched < 3; fetched += 1) await fetcher.api.get(connection.credential, options);
    await expect
      .poll(async () => (await client.get(pathOf(connection))).text, { timeout: 20_000 })
      .toContain('Nightly export Fetches 3');
    const page = await client.get(pathOf(connection));
    expect(page.text).toContain('1 working grant of 1 owner');
    expect(page.text).toContain(`${acme} Grants 1 Working 1`);
    expect(page.text).toContain(`Invoice sync ${workflow}`);
    expect(page.text).toContain('The broker revokes the tokens at the provider.');
    expect(page.text).toContain('-X DELETE');

    const wrong = await send(page, 'Delete the connection', { typed: `${connection.name}x` });
    expect(wrong.status).toBe(400);
    expect(wrong.text).toContain('is not the name: nothing was deleted');
    expect(await statusOf(connection)).toBe(200);

    const done = await send(page, 'Delete the connection', { typed: connection.name });
    expect(done).toMatchObject({ status: 200 });
    expect(done.text).toContain(`${connection.name} is deleted`);
    expect(await statusOf(connection)).toBe(404);
    expect((await service.api.get(`/workflows/${workflow}`, options)).body.is_disabled).toBe(true);

    const again = await send(page, 'Delete the connection', { typed: connection.name });
    expect(again).toMatchObject({ status: 404 });
    expect(again.text).toContain('If you deleted the connection before, all is done.');
  });

  test('a connection that changed after the page was opened stays', async () => {
    const { connection } = await addUsed();
    const page = await client.get(pathOf(connection));
    await service.api.patch(connection.path, { description: 'changed' }, { organization: acme });
    const answer = await send(page, 'Delete the connection', { typed: connection.name });
    expect(answer.status).toBe(412);
    expect(answer.text).toContain('the connection was edited after you opened this page');
    expect(await statusOf(connection)).toBe(200);
  });

  test('a later connection of the same name stays', async () => {
    const { connection } = await addUsed();
    const page = await client.get(pathOf(connection));
    await service.api.delete(connection.path, { organization: acme });
    const body = { connection_name: connection.name, provider: 'github', client_id: 'x' };
    await service.api.post('/connections', body, { organization: acme });
    expect((await send(page, 'Delete the connection', { typed: connection.name })).status).toBe(412);
    expect(await statusOf(connection)).toBe(200);
  });

  test('a workflow that registers after the page was opened is not disabled unseen', async () => {
    const { connection } = await addUsed();
    const page = await client.get(pathOf(connection));
    const dependency = { connection_name: connection.name };
    await service.api.post(`/workflows/${uniqueName('w')}/dependencies`, dependency, { organization: acme });
    const answer = await send(page, 'Delete the connection', { typed: connection.name });
    expect(answer.text).toContain('a workflow began to depend on the connection');
    expect(await statusOf(connection)).toBe(200);
    await send(answer, 'Delete the connection', { typed: connection.name });
    expect(await statusOf(connection)).toBe(404);
  });

  test('another organisation gets 404 and deletes nothing, and a reader is refused', async () => {
    const { connection, grant } = await addUsed();
    const { key } = await service.newKey({ organizations: ['rival'], global: false });
    const rival = createConsoleClient(service.broker.url);
    await rival.signIn(key);
    const token =
      (await rival.get('/console/connections')).forms.find(({ fields }) => fields._csrf)?.fields._csrf ?? '';
    const own = (await client.get(pathOf(connection))).forms.find(({ label }) => label === 'Delete the connection');
    const fields = { ...own?.fields, _csrf: token, typed: connection.name };
    const elsewhere = { ...connection, organization: 'rival' };
    for (const part of ['delete', `${grant}/revoke`, `${grant}/delete`]) {
      expect((await rival.get(pathOf(elsewhere, part))).status, part).toBe(404);
      expect((await rival.post(pathOf(elsewhere, part), fields)).status, part).toBe(404);
      expect((await rival.post(pathOf(connection, part), fields)).status, part).toBe(403);
    }
    expect(await statusOf(connection)).toBe(200);
    const { key: readerKey } = await service.newKey({ permissions: ['connections:read'] });
    const reader = createConsoleClient(service.broker.url);
    await reader.signIn(readerKey);
    expect((await reader.get(pathOf(connection))).status).toBe(403);
  });

  test('a visitor without admin:read deletes, and is told which part is missing', async () => {
    const { connection } = await addUsed();
    const { key } = await service.newKey({ permissions: ['connections:write'], organizations: [acme], global: false });
    const writer = createConsoleClient(service.broker.url);
    await writer.signIn(key);
    const page = await writer.get(pathOf(connection));
    expect(page.text).toContain('This part needs the permission admin:read');
    await writer.submit(page, 'Delete the connection', { typed: connection.name });
    expect(await statusOf(connection)).toBe(404);
  });
});

describe('the end of a grant', () => {
  const grantOf = async ({ path, organization }: TestConnection, grantId: string) =>
    service.api.get(`${path}/grants/${grantId}`, { organization });

  test('a revocation says what the provider confirmed, and keeps its reason', async () => {
    const { connection, grantId, grant } = await addUsed();
    const page = await client.get(pathOf(connection, `${grant}/revoke`));
    expect(page.text).toContain(`Owner of the grant ${acme}`);
    const done = await send(page, 'Revoke', { reason: 'The <b>laptop</b> was lost' });
    expect(done.text).toContain('Revoked here, and the provider confirmed it.');
    expect(done.text).toContain('The <b>laptop</b> was lost');
    expect(done.html).not.toContain('<b>laptop');
    expect((await grantOf(connection, grantId)).body).toMatchObject({ status: 'failed', status_reason: 'revoked' });
    const again = await send(page, 'Revoke', { reason: 'Another reason' });
    expect(again.text).toContain('was lost');
  });

  test('a provider without an endpoint confirms nothing', async () => {
    const connection = await addConnection(service, { organization: acme, body: { revocation_url: null } });
    const { grantId } = await importGrant(service, connection, 3600);
    const done = await send(await client.get(pathOf(connection, `grants/${grantId}/revoke`)), 'Revoke');
    expect(done.text).toContain('The provider has not confirmed it.');
  });

  test('one account is revoked alone, or all of the person', async () => {
    const connection = await addConnection(service, { organization: acme, body: { multi_account: true } });
    const ids = [];
    for (const account_id of ['a1', 'a2', 'a3'])
      ids.push((await importGrant(service, connection, 3600, { subject: 'ada', account_id })).grantId);
    const [first = '', second = '', third = ''] = ids;
    const statuses = async () =>
      Promise.all([first, second, third].map(async (id) => (await grantOf(connection, id)).body.status));
    const page = await client.get(pathOf(connection, `grants/${first}/revoke`));
    expect(page.text).toContain('All 3 grants of this person');
    await send(page, 'Revoke');
    expect(await statuses()).toEqual(['failed', 'completed', 'completed']);
    await send(await client.get(pathOf(connection, `grants/${second}/revoke`)), 'Revoke', { accounts: 'all' });
    expect(await statuses()).toEqual(['failed', 'failed', 'failed']);
  });

  test('a grant of the global scope needs the name of its connection', async () => {
    const connection = await addConnection(service, {});
    const { grantId } = await importGrant(service, connection, 3600);
    for (const [part, label] of [
      ['revoke', 'Revoke'],
      ['delete', 'Delete the grant'],
    ] as const) {
      const page = await client.get(pathOf(connection, `grants/${grantId}/${part}`));
      expect(page.text).toContain('Every organisation without a grant of its own loses its token.');
      const wrong = await send(page, label, { typed: 'another' });
      expect(wrong).toMatchObject({ status: 400 });
      expect(wrong.text).toContain('is not the name');
    }
    expect((await grantOf(connection, grantId)).body).toMatchObject({ status: 'completed' });
    const typed = { typed: connection.name };
    await send(await client.get(pathOf(connection, `grants/${grantId}/delete`)), 'Delete the grant', typed);
    expect((await grantOf(connection, grantId)).status).toBe(404);
  });

  test('a deletion says that nothing is revoked, and a second click finds nothing', async () => {
    const { connection, grantId, grant } = await addUsed();
    const page = await client.get(pathOf(connection, `${grant}/delete`));
    expect(page.text).toContain('A deletion revokes nothing at the provider');
    const done = await send(page, 'Delete the grant');
    expect(done.url.search).toContain('done=grant_deleted');
    expect((await grantOf(connection, grantId)).status).toBe(404);
    expect((await send(page, 'Delete the grant')).status).toBe(404);
  });
});
