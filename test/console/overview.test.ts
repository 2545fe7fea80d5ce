import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openService, type Service, uniqueName } from '../contract/service.ts';
import { addConnection, importGrant, type TestConnection } from '../e2e/connections.ts';
import { type ConsoleClient, type ConsolePage, createConsoleClient } from '../support/console/console-client.ts';

let service: Service;
let client: ConsoleClient;
let emptyPage: ConsolePage;
let broken: Record<'acme' | 'other', TestConnection>;
const acme = uniqueName('acme');
const other = uniqueName('other');

beforeAll(async () => {
  service = await openService();
  client = createConsoleClient(service.broker.url);
  emptyPage = await client.signIn(service.stack.adminKey());
  broken = { acme: await addOrganization(acme), other: await addOrganization(other) };
  await addOrganization(other);
});
afterAll(() => service?.close());

/** Adds a connection that works, and one whose grant was revoked. Returns the latter. */
async function addOrganization(organization: string): Promise<TestConnection> {
  await importGrant(service, await addConnection(service, { organization }), 9 * 3600);
  const connection = await addConnection(service, { organization });
  await importGrant(service, connection, 9 * 3600);
  const revoked = await service.api.post(`${connection.path}/revoke`, {}, { organization });
  expect(revoked.status, revoked.text).toBe(200);
  return connection;
}

async function signedIn(rights: Record<string, unknown>): Promise<{ by: ConsoleClient; home: ConsolePage }> {
  const { key } = await service.newKey(rights);
  const by = createConsoleClient(service.broker.url);
  const home = await by.signIn(key);
  expect(home.status, home.text).toBe(200);
  expect(home.url.pathname).toBe('/console');
  return { by, home };
}

const administratorOf = (organization: string) =>
  signedIn({ permissions: ['admin:read'], organizations: [organization], global: false });

/** Last row of the table below the picture of the week. */
const weekOf = ({ html }: ConsolePage) =>
  [...html.matchAll(/<tfoot>.*?<\/tfoot>/gs)]
    .at(-1)?.[0]
    .match(/\d+(?=<\/td>)/g)
    ?.map(Number);

async function eventsOf(action: string): Promise<number> {
  const { body } = await service.api.get(`/admin/audit-events?action=${action}`);
  return (body as unknown as { audit_events: unknown[] }).audit_events.length;
}

describe('the overview', () => {
  test('an installation without a connection shows three steps with its own addresses', () => {
    expect(emptyPage.text).toContain('Three steps to the first token');
    for (const path of ['/connections', '/connections/gmail/authorize', '/credentials/gmail'])
      expect(emptyPage.text).toContain(`'${service.broker.url}${path}'`);
    expect(emptyPage.links).toContain('/console/new-connection');
  });

  test('an administrator sees what needs a person in every organisation, each group with one button', async () => {
    const page = await client.get('/console');
    expect(page.text).toContain('Needs a person 3 grants');
    expect(page.text).toContain('The grant was revoked');
    expect(page.links).toContain('/console/grants?provider=generic&status_reason=revoked&next_action=authorize');
    expect(page.text).not.toContain('Three steps');
    expect(weekOf(page)).toEqual([3, 3, 0]);
  });

  test('two organisations never see groups, numbers, events or names of each other', async () => {
    const { home } = await administratorOf(acme);
    expect(home.text).toContain('Needs a person 1 grant ');
    expect(home.links).toContain(`/console/connections/${broken.acme.name}/why?organization=${acme}`);
    expect(home.html).not.toContain(broken.other.name);
    expect(home.html).not.toContain(other);
    expect(weekOf(home)).toEqual([1, 1, 0]);
    const { home: theirs } = await administratorOf(other);
    expect(theirs.text).toContain('Needs a person 2 grants ');
    expect(theirs.html).not.toContain(acme);
    expect(weekOf(theirs)).toEqual([2, 2, 0]);
  });

  test('facts of the installation are for callers that reach all of it', async () => {
    const unconfirmed = 'No backup of the encryption key k1 is confirmed.';
    expect((await client.get('/console')).text).toContain(unconfirmed);
    const { home } = await administratorOf(acme);
    expect(home.text).not.toContain(unconfirmed);
    expect(home.text).toContain('callers that reach the whole installation');
    expect(home.text).not.toContain('Refreshed');
  });

  test('the part that is brought up to date is a small page of its own', async () => {
    const page = await client.get('/console?part=now');
    expect(page.html).toContain('id="now"');
    expect(page.text).toContain('Needs a person 3 grants');
    expect(page.text).not.toContain('Latest events');
  });

  test('a visitor without admin:read sees their connections that do not work, and no error', async () => {
    const { home } = await signedIn({ permissions: ['connections:read'], organizations: [acme], global: false });
    expect(home.links).toContain(`/console/connections/${broken.acme.name}/why?organization=${acme}`);
    expect(home.links).toContain(`/console/connections?organization=${acme}`);
    expect(home.html).not.toContain(other);
    expect(home.text).toContain('callers with the permission admin:read');
    expect(home.text).not.toContain('Latest events');
  });

  test('a visitor of several organisations gets a link to each, and one who may only fetch an explanation', async () => {
    const rights = { permissions: ['connections:read'], organizations: [acme, other], global: false };
    const { home } = await signedIn(rights);
    for (const each of [acme, other]) expect(home.links).toContain(`/console/connections?organization=${each}`);
    const { home: fetcher } = await signedIn({ ...rights, permissions: ['credentials:read'] });
    expect(fetcher.text).toContain('This key has credentials:read');
    expect(fetcher.html).not.toContain(broken.acme.name);
  });
});

describe('sweeps and queue', () => {
  test('shows the last sweeps, the jobs of the queue, workers and circuits', async () => {
    const page = await client.get('/console/sweeps');
    expect(page.status, page.text).toBe(200);
    for (const words of ['The queue works', 'Live workers 1', 'Every circuit of this process is closed.', 'Ended'])
      expect(page.text).toContain(words);
  });

  test.each([
    ['Run a sweep now', 'sweep.requested', 'A sweep '],
    ['Check all grants', 'health_run.requested', 'The health check of all grants is requested.'],
  ])('the button %s does it, says so, and leaves an audit event', async (label, action, said) => {
    const before = await eventsOf(action);
    const page = await client.submit(await client.get('/console/sweeps'), label);
    expect(page.status).toBe(200);
    expect(page.text).toContain(said);
    expect(await eventsOf(action)).toBe(before + 1);
  });

  test('a sweep that was requested is listed, and the check of all grants ends', async () => {
    const reads = async () => (await client.get('/console/sweeps')).html;
    const sweeps = (html: string) => html.split('<caption class="hidden">Last sweeps')[1]?.match(/<th scope="row">/g);
    await expect.poll(async () => sweeps(await reads())?.length, { timeout: 20_000 }).toBeGreaterThan(1);
    await expect.poll(reads, { timeout: 20_000 }).toContain('The last check ended');
  });

  test('a visitor who may only read has no buttons, and is refused without an event', async () => {
    const { by } = await signedIn({ permissions: ['admin:read'] });
    const page = await by.get('/console/sweeps');
    expect(page.status).toBe(200);
    expect(page.forms.map(({ label }) => label)).not.toContain('Run a sweep now');
    const before = await eventsOf('sweep.requested');
    const _csrf = page.forms.find(({ action }) => action.includes('sign-out'))?.fields._csrf ?? '';
    for (const path of ['run', 'check-all'])
      expect((await by.post(`/console/sweeps/${path}`, { _csrf })).status).toBe(403);
    expect(await eventsOf('sweep.requested')).toBe(before);
  });

  test('is for callers that reach the whole installation', async () => {
    const { by } = await administratorOf(acme);
    expect((await by.get('/console/sweeps')).status).toBe(403);
  });
});
