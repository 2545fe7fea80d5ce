import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newConnection } from '../../src/http/schemas/connection-input.ts';
import { openService, type Service, uniqueName } from '../contract/service.ts';
import { addConnection, importGrant } from '../e2e/connections.ts';
import {
  type ConsoleClient,
  type ConsolePage,
  createConsoleClient,
  signedInConsole,
} from '../support/console/console-client.ts';

let service: Service;
let client: ConsoleClient;
const secret = 'a-secret-of-the-client-7f3a';
const acme = uniqueName('acme');

beforeAll(async () => {
  service = await openService();
  client = await signedInConsole(service.broker.url, service.stack.adminKey());
});
afterAll(() => service?.close());

/** Sends the form of a page that creates or edits. Every page is searched for the secret. */
async function send(page: ConsolePage, act: string, fields: Record<string, string> = {}, by = client) {
  const form = page.forms.find(({ fields }) => 'client_id' in fields);
  if (form === undefined) throw new Error(`no form on ${page.url.pathname}: ${page.text}`);
  const answer = await by.post(form.action, { ...form.fields, ...fields, do: act });
  expect(answer.html).not.toContain(secret);
  expect(answer.url.href).not.toContain(secret);
  return answer;
}

const newPage = (provider: string, organization = '') =>
  client.get(`/console/new-connection?provider=${provider}&organization=${organization}`);
const editPage = (name: string, organization = '', by = client) =>
  by.get(`/console/connections/${name}/edit?organization=${organization}`);
const detail = async (name: string, organization?: string) =>
  (await service.api.get(`/connections/${name}`, { organization })).body;

const https = 'https://provider.example';
/** Texts of the form by member of the API, and the value that the API then shows. A secret shows none. */
const everyMember = {
  connection_name: [uniqueName(), undefined],
  client_id: ['a client', 'a client'],
  client_secret: [secret, undefined],
  provider: ['generic', 'generic'],
  oauth_flow_type: ['refresh_token', 'refresh_token'],
  authorization_url: [`${https}/authorize`, `${https}/authorize`],
  token_url: [`${https}/token`, `${https}/token`],
  revocation_url: [`${https}/revoke`, `${https}/revoke`],
  test_url: [`${https}/me`, `${https}/me`],
  scopes: ['one two', ['one', 'two']],
  token_auth_method: ['client_secret_post', 'client_secret_post'],
  multi_account: ['on', true],
  share_with_organizations: [null, false],
  allow_import: ['on', true],
  pkce: ['false', false],
  terminal_errors: ['dead_grant\r\nlost_grant', ['dead_grant', 'lost_grant']],
  error_path: ['fault.code', 'fault.code'],
  description: ['Two\r\nlines', 'Two\nlines'],
  managed_by: ['connections.yaml', 'connections.yaml'],
  variables: [https, { issuer: https }],
  authorize_params: ['prompt=consent\r\naccess_type = offline', { prompt: 'consent', access_type: 'offline' }],
  token_params: ['{"audience": "two\\nlines"}', { audience: 'two\nlines' }],
} as const satisfies Record<keyof typeof newConnection.shape, readonly [string | null, unknown]>;

describe('a new connection', () => {
  test('every member of the API has a field, and sets what the API shows', async () => {
    const members = Object.keys(newConnection.shape) as (keyof typeof everyMember)[];
    expect(Object.keys(everyMember).sort()).toEqual([...members].sort());
    const page = await newPage('generic');
    const fields: Record<string, string> = {};
    for (const member of members) {
      const name = member === 'variables' ? 'variables.issuer' : member;
      expect(page.html).toContain(`name="${name}"`);
      fields[name] = everyMember[member][0] ?? '';
    }
    const answer = await send(page, 'create', fields);
    expect(answer.url.search).toContain('done=created');
    const name = everyMember.connection_name[0];
    const stored = await detail(name);
    for (const member of members) {
      const [, shown] = everyMember[member];
      if (shown !== undefined) expect(stored[member], member).toEqual(shown);
    }
    // The stored secret is the one that was typed: sending it again changes nothing.
    const path = `/connections/${name}?dry_run=true`;
    expect((await service.api.patch(path, { client_secret: secret })).body.changes).toEqual([]);
    expect((await service.api.patch(path, { client_secret: 'other' })).body.changes).toHaveLength(1);

    // A form that is sent as it was shown changes nothing, whatever the settings hold.
    const etagNow = async () => (await service.api.get(`/connections/${name}`)).headers.get('etag');
    const etag = await etagNow();
    const edit = await editPage(name);
    expect((await send(edit, 'review')).text).toContain('Nothing is changed yet.');
    await send(edit, 'apply');
    expect(await etagNow()).toBe(etag);
  });

  test('faults stand at their fields, and all texts but the secret are kept', async () => {
    const page = await newPage('shopify', acme);
    const typed = { connection_name: 'a b', client_id: 'kept', 'variables.shop': 'my shop', client_secret: secret };
    const answer = await send(page, 'create', typed);
    expect(answer.status).toBe(400);
    expect(answer.html).toContain('id="field-connection_name-fault"');
    expect(answer.text).toContain('Type it again: no page repeats a secret.');
    const second = await send(answer, 'create', { connection_name: uniqueName() });
    expect(second.html).toContain('id="field-variables.shop-fault"');
    expect(second.html).toContain('value="kept"');
    expect(second.html).toContain('value="my shop"');
    expect(second.text).not.toContain('Type it again');
  });

  test('the redirect URI is shown before anything is saved, and is the one of the connection', async () => {
    const name = uniqueName();
    const page = await newPage('hubspot', acme);
    expect(page.text).toContain(`/callback/${acme}/{connection name}`);
    const shown = await send(page, 'redirect_uri', { connection_name: name, client_id: 'x', client_secret: secret });
    expect((await service.api.get(`/connections/${name}`, { organization: acme })).status).toBe(404);
    await send(shown, 'create', { client_secret: secret });
    const { redirect_uri } = await detail(name, acme);
    expect(shown.text).toContain(redirect_uri);
  });

  test('a second click creates nothing, and says that the name is taken', async () => {
    const page = await newPage('github', acme);
    const fields = { connection_name: uniqueName(), client_id: 'x', client_secret: secret };
    await send(page, 'create', fields);
    const again = await send(page, 'create', fields);
    expect(again.status).toBe(409);
    expect(again.text).toContain('is the name of another connection');
  });

  test('a client_credentials connection has its token at once', async () => {
    const registered = await service.provider.registerClient({ grant_types: ['client_credentials'] });
    const name = uniqueName();
    await send(await newPage('generic', acme), 'create', {
      connection_name: name,
      oauth_flow_type: 'client_credentials',
      client_id: registered.clientId,
      client_secret: registered.clientSecret,
      token_url: service.provider.endpoints.token,
    });
    expect(await detail(name, acme)).toMatchObject({ status: 'completed' });
  });

  test('a visitor creates only for organisations of its key', async () => {
    const { key } = await service.newKey({ organizations: [acme], global: false });
    const member = await signedInConsole(service.broker.url, key);
    const page = await member.get('/console/new-connection?provider=github');
    expect(page.html).toContain(`<option value="${acme}" selected>`);
    const name = uniqueName();
    const fields = { connection_name: name, client_id: 'x', client_secret: secret };
    const refused = await send(page, 'create', { ...fields, organization: 'other' }, member);
    expect(refused).toMatchObject({ status: 400 });
    expect(refused.text).toContain('is not one that you may act for');
    const { key: reader } = await service.newKey({ permissions: ['connections:read'] });
    const onlooker = createConsoleClient(service.broker.url);
    await onlooker.signIn(reader);
    expect((await onlooker.get('/console/new-connection')).status).toBe(403);
  });

  test('templates are found by name, and the plain one is always offered', async () => {
    const page = await client.get('/console/new-connection?q=hub');
    expect(page.text).toContain('HubSpot');
    expect(page.text).toContain('GitHub');
    expect(page.text).not.toContain('Slack');
    expect(page.text).toContain('Use plain OAuth 2.0');
  });
});

describe('an edit', () => {
  test('the review shows differences and effects and changes nothing, and the second step applies', async () => {
    const connection = await addConnection(service, { organization: acme });
    await importGrant(service, connection, 3600);
    const review = await send(await editPage(connection.name, acme), 'review', { client_id: 'another' });
    expect(review.text).toContain(`client_id Before ${connection.clientId} After another`);
    expect(review.text).toContain('1 working grant of 1 owner loses its tokens.');
    expect(review.text).toContain('The client secret is required');
    expect(review.text).toContain('-X PATCH');
    expect(review.text).toContain('If-Match');
    expect((await detail(connection.name, acme)).client_id).toBe(connection.clientId);

    const unconfirmed = await send(review, 'apply', { client_secret: secret });
    expect(unconfirmed.status).toBe(400);
    expect(unconfirmed.html).toContain('id="field-confirm_disconnect-fault"');
    const withoutSecret = await send(unconfirmed, 'apply', { confirm_disconnect: 'on' });
    expect(withoutSecret.html).toContain('id="field-client_secret-fault"');
    expect((await detail(connection.name, acme)).client_id).toBe(connection.clientId);

    const fields = { client_secret: secret, confirm_disconnect: 'on' };
    const done = await send(withoutSecret, 'apply', fields);
    expect(done.url.search).toContain('done=edited');
    expect(await detail(connection.name, acme)).toMatchObject({ client_id: 'another', status: 'not_connected' });
  });

  test('an edit meets another one: three versions, and a choice for each field', async () => {
    const connection = await addConnection(service, { body: { scopes: ['base'], description: 'base' } });
    const page = await editPage(connection.name);
    const theirs = { scopes: ['theirs'], authorize_params: { prompt: 'login' } };
    await service.api.patch(connection.path, theirs);
    const conflict = await send(page, 'review', { scopes: 'mine', description: 'mine' });
    expect(conflict.status).toBe(412);
    expect(conflict.text).toMatch(/scopes Before both base Theirs theirs take theirs Yours mine take yours/);
    expect(await detail(connection.name)).toMatchObject({ ...theirs, description: 'base' });

    const review = await send(conflict, 'settle', { 'take.scopes': 'mine' });
    expect(review.text).toContain('scopes Before theirs After mine');
    expect((await send(review, 'apply')).url.search).toContain('done=edited');
    const merged = { scopes: ['mine'], description: 'mine', authorize_params: { prompt: 'login' } };
    expect(await detail(connection.name)).toMatchObject(merged);
    // A second click of the same form finds its own edit.
    expect((await send(review, 'apply')).url.search).toContain('done=edited');
  });

  test('the form keeps theirs if the choice is not mine', async () => {
    const connection = await addConnection(service, { body: { scopes: ['base'] } });
    const page = await editPage(connection.name);
    await service.api.patch(connection.path, { scopes: ['theirs'] });
    const conflict = await send(page, 'apply', { scopes: 'mine' });
    expect((await send(conflict, 'settle')).text).toContain('Nothing is changed yet.');
    expect((await detail(connection.name)).scopes).toEqual(['theirs']);
  });

  test('a replaced secret is asked for in the review alone, and a removed one goes', async () => {
    const connection = await addConnection(service, {});
    const page = await editPage(connection.name);
    expect(page.html).not.toContain('name="client_secret"');
    const review = await send(page, 'review', { secret_change: 'replace' });
    expect(review.text).toContain('client_secret Before stored After a new one');
    expect((await send(review, 'apply')).html).toContain('id="field-client_secret-fault"');
    expect((await send(review, 'apply', { client_secret: secret })).url.search).toContain('done=edited');
    const path = `${connection.path}?dry_run=true`;
    expect((await service.api.patch(path, { client_secret: secret })).body.changes).toEqual([]);
    const removal = await send(await editPage(connection.name), 'review', { secret_change: 'remove' });
    await send(removal, 'apply');
    expect(await detail(connection.name)).toMatchObject({ has_client_secret: false });
  });

  test('a connection that is kept in a file says that the file undoes the edit, and drifts', async () => {
    const connection = await addConnection(service, { body: { managed_by: 'connections.yaml' } });
    const page = await editPage(connection.name);
    expect(page.text).toContain('The next application of the file undoes what you change here');
    const review = await send(page, 'review', { description: 'by hand' });
    await send(review, 'apply');
    expect(await detail(connection.name)).toMatchObject({ drifted: true, managed_by: 'connections.yaml' });
  });

  test('faults of an edit stand in the form, with the texts that were typed', async () => {
    const connection = await addConnection(service, {});
    const answer = await send(await editPage(connection.name), 'review', {
      token_url: 'ftp://x',
      token_params: 'no sign',
      client_id: '',
    });
    expect(answer.status).toBe(400);
    expect(answer.html).toContain('id="field-token_params-fault"');
    const read = await send(answer, 'review', { token_params: '' });
    expect(read.html).toContain('id="field-token_url-fault"');
    expect(read.html).toContain('id="field-client_id-fault"');
    expect(read.html).toContain('value="ftp://x"');
  });

  test('a global connection is not edited from an organisation, and no other organisation reaches an own one', async () => {
    const connection = await addConnection(service, {});
    expect((await editPage(connection.name, acme)).status).toBe(404);
    const own = await addConnection(service, { organization: acme });
    const { key } = await service.newKey({ organizations: ['rival'], global: false });
    const rival = createConsoleClient(service.broker.url);
    await rival.signIn(key);
    expect((await editPage(own.name, 'rival', rival)).status).toBe(404);
    expect((await editPage(own.name, acme, rival)).status).toBe(403);
    const form = (await editPage(own.name, acme)).forms.find(({ fields }) => 'client_id' in fields);
    const token =
      (await rival.get('/console/new-connection?provider=github')).forms.find(({ fields }) => fields._csrf)?.fields
        ._csrf ?? '';
    const fields = { ...form?.fields, _csrf: token, description: 'taken over', do: 'apply' };
    const path = `/console/connections/${own.name}/edit?organization=rival`;
    expect((await rival.post(path, fields)).status).toBe(404);
    expect(await detail(own.name, acme)).toMatchObject({ description: null });
  });
});
