import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openService, type Service, uniqueName } from '../contract/service.ts';
import { addConnection, importGrant, type TestConnection } from '../e2e/connections.ts';
import { describeWithChromium, findChromium, launchChromium } from '../support/browser/chromium.ts';
import { type ConsoleClient, signedInConsole } from '../support/console/console-client.ts';

const found = await findChromium();
let service: Service;
let admin: ConsoleClient;
let working: TestConnection;
let waiting: TestConnection;
let foreign: TestConnection;
let shared: TestConnection;
const acme = uniqueName('acme');
const other = uniqueName('other');
const list = '/console/connections';

beforeAll(async () => {
  service = await openService();
  working = await addConnection(service, { organization: acme });
  await importGrant(service, working, 3600);
  waiting = await addConnection(service, { organization: acme });
  foreign = await addConnection(service, { organization: other });
  shared = await addConnection(service);
  admin = await signedInConsole(service.broker.url, service.stack.adminKey());
});
afterAll(() => service?.close());

async function member(permissions: string[], organizations = [acme]): Promise<ConsoleClient> {
  const { key } = await service.newKey({ permissions, organizations, global: false });
  return signedInConsole(service.broker.url, key);
}

/** Sends the form with rows that the page may not have shown. */
async function act(client: ConsoleClient, name: string, rows: readonly string[], others: Record<string, string> = {}) {
  const page = await client.get(list);
  const form = page.forms.find(({ method, action }) => method === 'post' && action === list);
  const csrf = form?.fields._csrf ?? page.forms.find(({ method }) => method === 'post')?.fields._csrf ?? '';
  return client.post(list, { _csrf: csrf, act: name, rows, ...others });
}

const listed = async (query: string, by = admin) => {
  const page = await by.get(`/console/connections?${query}`);
  expect(page.status, page.text).toBe(200);
  return page;
};

describe('the list of connections', () => {
  test('an administrator sees every organisation, and words for states', async () => {
    const page = await listed(`organization=${acme}`);
    expect(page.text).toContain(working.name);
    expect(page.text).toContain('Works');
    expect(page.links).toContain(`/console/connections/${working.name}?organization=${acme}`);
  });

  test.each([
    ['q', () => working.name.slice(0, 8)],
    ['status', () => 'completed'],
    ['provider', () => 'generic'],
    ['flow', () => 'authorization_code'],
    ['organization', () => acme],
  ])('the filter %s stands in the address and in its field', async (name, value) => {
    const page = await listed(new URLSearchParams({ [name]: value(), organization: acme }).toString());
    const filters = page.forms.find(({ fields }) => 'provider' in fields);
    expect(filters?.fields[name]).toBe(value());
    expect(page.text).toContain(working.name);
  });

  test('a key of one organisation sees its connections only, without the right to administer', async () => {
    const client = await member(['connections:read']);
    const page = await listed('', client);
    expect(page.text).toContain(working.name);
    expect(page.text).not.toContain(other);
    expect(page.text).not.toContain('New connection');
    const beyond = await client.get(`/console/connections?organization=${other}`);
    expect(beyond.status).toBe(403);
    expect(beyond.text).not.toContain(foreign.name);
  });

  test('a filter with a value that does not exist is refused with its name', async () => {
    const page = await admin.get('/console/connections?status=bogus');
    expect(page.status).toBe(400);
    expect(page.text).toContain('status');
  });
});

describe('the chips of the list', () => {
  test('keep the other filters, and mark the chosen one', async () => {
    const page = await admin.get(`${list}?q=c-&status=completed&organization=${acme}`);
    expect(page.html).toMatch(/aria-current="true">Works</);
    expect(page.links).toContain(`${list}?q=c-&status=failed&organization=${acme}`);
    expect(page.links).toContain(`${list}?q=c-&status=completed&organization=${acme}&flow=client_credentials`);
    expect(page.forms.find(({ fields }) => 'q' in fields && 'provider' in fields)?.fields.status).toBe('completed');
  });

  test('a member of one organisation filters without naming it, and opens a global connection as that one', async () => {
    const client = await member(['connections:read']);
    const page = await client.submit(await client.get(list), 'Filter', { q: shared.name });
    expect(page.status, page.text).toBe(200);
    expect(page.links).toContain(`${list}/${shared.name}?organization=${acme}`);
  });

  test('a member of two organisations chooses one of them', async () => {
    const client = await member(['connections:read'], [acme, other]);
    const first = await client.get(list);
    expect(first.text).toContain(working.name);
    const second = await client.submit(first, 'Filter', { organization: other });
    expect(second.text).toContain(foreign.name);
    expect(second.text).not.toContain(working.name);
  });
});

describe('an act on several connections', () => {
  test('a test shows one line for each, with the reason of a refusal', async () => {
    const page = await act(admin, 'test', [`${acme}/${working.name}`, `${acme}/${waiting.name}`]);
    expect(page.status, page.text).toBe(200);
    expect(page.text).toContain('1 done, 1 refused');
    expect(page.text).toMatch(new RegExp(`${working.name} .*Works`));
    expect(page.text).toContain('connection_not_ready');
  });

  test('a refresh changes the token, as the operation of the API does', async () => {
    const version = async () => (await service.api.get(working.credential, { organization: acme })).body.access_token;
    const before = await version();
    const page = await act(admin, 'refresh', [`${acme}/${working.name}`]);
    expect(page.text).toContain('Refreshed');
    expect(await version()).not.toBe(before);
  });

  test('links to reconnect stand on that page alone, and open', async () => {
    const page = await act(admin, 'reconnect', [`${acme}/${waiting.name}`, `${other}/${foreign.name}`]);
    const links = [...page.text.matchAll(/http\S+\/authorize\/[\w-]+/g)].map(([link]) => link);
    expect(links).toHaveLength(2);
    expect(page.headers.get('cache-control')).toBe('no-store');
    const opened = await fetch(links[0] ?? '', { redirect: 'manual' });
    expect(opened.status).toBe(303);
    expect(opened.headers.get('location')).toContain(service.provider.endpoints.authorization);
    expect((await admin.get(list)).html).not.toContain('/authorize/');
    expect(service.broker.logs()).not.toContain(links[0]?.split('/').at(-1));
  });

  test('“all” takes every row that the page has shown', async () => {
    const page = await admin.get(`${list}?organization=${acme}`);
    const shown = [`${acme}/${working.name}`, `${acme}/${waiting.name}`];
    for (const row of shown) expect(page.html).toContain(`name="shown" value="${row}"`);
    const done = await act(admin, 'test', [], { all: 'on', shown: shown[0] ?? '' });
    expect(done.text).toContain('1 done');
  });

  test('a row of another organisation is refused like an absent one', async () => {
    const client = await member(['connections:read', 'connections:authorize']);
    for (const name of ['test', 'refresh', 'reconnect']) {
      const forged = await act(client, name, [`${other}/${foreign.name}`]);
      const absent = await act(client, name, [`${acme}/nothing`]);
      expect(forged.text).toContain(`There is no connection named ${foreign.name}.`);
      expect(absent.text).toContain('There is no connection named nothing.');
      expect(forged.text.replaceAll(foreign.name, 'nothing').replaceAll(other, acme)).toBe(absent.text);
    }
  });

  test.each(['test', 'refresh', 'reconnect'])('%s needs the permission of the operation', async (name) => {
    const client = await member(['connections:read', 'connections:write']);
    expect((await client.get(list)).text).not.toContain('Ask to reconnect');
    const page = await act(client, name, [`${acme}/${working.name}`]);
    expect(page.status).toBe(403);
    expect(page.text).toContain('connections:authorize');
  });

  test.each([
    ['no row', [], 'are empty'],
    ['more than 50 rows', Array.from({ length: 51 }, (_, at) => `acme/c${at}`), 'are more than 50'],
    ['a row that names no connection', ['acme/../x'], 'names no connection'],
  ])('%s is refused', async (_, rows, message) => {
    const page = await act(admin, 'test', rows);
    expect(page.status).toBe(400);
    expect(page.text).toContain(message);
  });
});

describeWithChromium('typing into the list', found, (executablePath) => {
  test('filters without a new page, keeps the focus in the field, and breaks no policy', async () => {
    const browser = await launchChromium(executablePath);
    try {
      const page = await browser.newPage();
      const faults: string[] = [];
      page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
      await page.goto(`${service.broker.url}${list}`);
      await page.getByLabel('API key').fill(service.stack.adminKey());
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
      await page.getByRole('link', { name: foreign.name }).waitFor();
      let pages = 0;
      page.on('framenavigated', () => {
        pages += 1;
      });

      await page.getByLabel('Name or description').focus();
      await page.keyboard.type(working.name);
      await page.getByRole('link', { name: foreign.name }).waitFor({ state: 'detached' });
      expect(await page.getByRole('link', { name: working.name }).count()).toBe(1);
      expect(await page.locator('main input[name="q"]:focus').count()).toBe(1);
      expect(await page.getByLabel('Name or description').inputValue()).toBe(working.name);
      // A chip chosen now keeps what was typed.
      expect(await page.getByRole('link', { name: 'Failed' }).getAttribute('href')).toContain(`q=${working.name}`);
      expect([pages, faults]).toEqual([0, []]);
    } finally {
      await browser.close();
    }
  });
});
