import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openService, type Service, uniqueName } from '../contract/service.ts';
import { addConnection, importGrant, type TestConnection } from '../e2e/connections.ts';
import { projectRoot } from '../support/architecture/source-tree.ts';
import { createBrowser, decodeEntities } from '../support/browser/browser.ts';
import { cliScript } from '../support/cli/cli-process.ts';
import {
  type ConsoleClient,
  type ConsolePage,
  createConsoleClient,
  signedInConsole,
} from '../support/console/console-client.ts';
import { signIn } from '../support/oauth-server/sign-in.ts';

const run = promisify(execFile);
const acme = uniqueName('acme');
const hostile = '"><script>alert(1)</script>';
let service: Service;
let client: ConsoleClient;
let crm: TestConnection;

beforeAll(async () => {
  service = await openService();
  client = await signedInConsole(service.broker.url, service.stack.adminKey());
  crm = await addConnection(service, { organization: acme });
});
afterAll(() => service?.close());

const path = (part = '', name = crm.name) =>
  `/console/connections/${name}${part === '' ? '' : `/${part}`}?organization=${acme}`;
const share = async (fields: Record<string, string> = {}) =>
  client.submit(await client.get(path('share')), 'Make a link', fields);
const linkOf = (page: ConsolePage) => /http[^\s]+\/authorize\/[\w-]+/.exec(page.text)?.[0] ?? '';
const stateOf = (page: ConsolePage) => page.forms.find(({ fields }) => 'state' in fields)?.fields.state ?? '';
const events = async (action: string) =>
  (await service.api.get(`/admin/audit-events?connection_name=${crm.name}&action=${action}`)).body
    .audit_events as unknown[];

describe('a link for another person', () => {
  test('is shown once, follows the person until the account is connected, and is audited', async () => {
    const page = await share({ subject: 'user-1', subject_label: 'Ada', expires_in: '3600' });
    expect(page.status, page.text).toBe(200);
    expect(page.text).toContain('Copy it now');
    expect(page.text).toContain('State of the link Waiting for the person');
    expect(page.text).toContain('For the subject user-1');
    expect(await events('authorization.started')).toHaveLength(1);
    const again = await client.submit(page, 'Check now');
    expect(linkOf(again)).toBe('');
    expect((await signIn(createBrowser(), linkOf(page), { login: 'ada' })).status).toBe(200);
    const done = await client.submit(again, 'Check now');
    expect(done.text).toContain('Connected Account: Account ada');
    expect(done.text).not.toContain('Cancel');
  });

  test('its state stands in no address of the console', async () => {
    const page = await share();
    const state = stateOf(page);
    expect(state).toHaveLength(43);
    expect(page.url.href).not.toContain(state);
    const addresses = [...page.html.matchAll(/\b(?:href|action|formaction|hx-get|hx-post)="([^"]*)"/g)].map(
      ([, address = '']) => address,
    );
    expect(addresses.length).toBeGreaterThan(10);
    expect(addresses.filter((address) => address.includes(state))).toEqual([]);
    expect((await client.get(path('share-status'))).status).toBe(404);
  });

  test('Cancel ends it, is audited, and its page says so', async () => {
    const page = await share({ subject: 'user-2' });
    const csrf = page.forms.find(({ fields }) => 'state' in fields)?.fields._csrf ?? '';
    expect(page.html).toContain(`formaction="${path('share-cancel')}" name="subject" value="user-2"`);
    const cancelled = await client.post(path('share-cancel'), { _csrf: csrf, subject: 'user-2' });
    expect(cancelled.url.searchParams.get('done')).toBe('cancelled');
    expect(cancelled.text).toContain('The link no longer works.');
    expect(await events('authorization.cancelled')).toHaveLength(1);
    const state = await client.submit(page, 'Check now');
    expect(state.text).toContain('Not connected');
    expect(state.text).toContain('A caller cancelled the authorization');
    const none = await client.post(path('share-cancel'), { _csrf: csrf, subject: 'user-2' });
    expect(none.text).toContain('No link was open');
  });

  test('tells when its person refuses, and when its time is over', async () => {
    const refused = await share();
    await signIn(createBrowser(), linkOf(refused), { login: 'ada', decision: 'deny' });
    const state = await client.submit(refused, 'Check now');
    expect(state.text).toContain('Not connected');
    expect(state.text).toContain('The provider said access_denied');
    const late = await share();
    await service.stack.sql(
      "update authorizations set expires_at = now() - interval '1 minute' where status = 'pending'",
    );
    expect((await client.submit(late, 'Check now')).text).toContain('Expired');
  });

  test.each([
    ['return_url', 'https://evil.example/', 'not among the return URLs'],
    ['subject', 'x'.repeat(256), 'at most 255 characters'],
    ['login_hint', 'a\u0007b', 'control characters'],
  ])('a wrong %s shows the form again, with what was typed and the fault beside it', async (field, value, fault) => {
    const page = await share({ [field]: value, subject_label: hostile });
    expect(page.status).toBe(400);
    expect(page.text).toContain(fault);
    expect(page.html).not.toContain('<script>alert');
    expect(page.forms.find(({ label }) => label === 'Make a link')?.fields).toMatchObject({ subject_label: hostile });
    expect(page.html).toMatch(new RegExp(`name="${field}"[^>]* aria-invalid="true"`));
  });

  test('a state of another organisation is not found, and a made-up one neither', async () => {
    const state = stateOf(await share());
    const other = uniqueName('other');
    const { key } = await service.newKey({
      permissions: ['connections:read', 'connections:authorize'],
      organizations: [other],
      global: false,
    });
    const foreign = createConsoleClient(service.broker.url);
    await foreign.signIn(key);
    const csrf =
      (await foreign.get('/console/connections')).forms.find(({ fields }) => '_csrf' in fields)?.fields._csrf ?? '';
    const ask = (page: string, value: string) => foreign.post(page, { _csrf: csrf, state: value });
    expect((await ask(path('share-status').replace(acme, other), state)).status).toBe(404);
    expect((await ask(path('share-status'), state)).status).toBe(403);
    const mine = (await client.get(path('share'))).forms.find(({ fields }) => '_csrf' in fields)?.fields._csrf ?? '';
    expect((await client.post(path('share-status'), { _csrf: mine, state: 'x'.repeat(43) })).status).toBe(404);
  });
});

describe('use it', () => {
  const environment = () => ({ PATH: process.env.PATH, TOKEN_BROKER_KEY: service.stack.adminKey() });
  let examples: string[];
  beforeAll(async () => {
    await importGrant(service, crm, 3600);
    const { html } = await client.get(path('use'));
    examples = [...html.matchAll(/<pre[^>]*><code>([\s\S]*?)<\/code>/g)].map(([, text = '']) => decodeEntities(text));
    expect(examples).toHaveLength(3);
  });

  test('the curl command fetches a token', async () => {
    // Stands in for curl: prints its arguments as a shell passes them on.
    const { stdout } = await run('sh', ['-c', `curl() { printf '%s\\n' "$@"; }\n${examples[0]}`], {
      env: environment(),
    });
    const words = stdout.trim().split('\n');
    const headers = words.flatMap((word, at) =>
      words[at - 1] === '-H' ? [word.split(/: (.*)/).slice(0, 2) as [string, string]] : [],
    );
    const response = await fetch(words.at(-1) ?? '', { headers });
    expect(await response.json()).toMatchObject({ connection_name: crm.name, organization_id: acme });
  });

  test('the program with the TypeScript client calls the provider', async () => {
    const client = join(projectRoot, 'src', 'client', 'token-broker.ts');
    const program = examples[1]?.replace("'@token-broker/client'", `'file://${client}'`) ?? '';
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], { env: environment() });
    expect(stdout.trim()).toBe('200');
  });

  test('the command line shows the token masked', async () => {
    const command = examples[2]?.replace(/^token-broker /m, `'${process.execPath}' '${cliScript}' `) ?? '';
    const { stdout } = await run('sh', ['-c', command], { env: { ...environment(), NO_COLOR: '1' } });
    expect(stdout).toContain(crm.name);
  });
});
