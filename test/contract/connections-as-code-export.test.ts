import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { closeWorkplace, declare, openWorkplace, type Workplace } from './connections-as-code.ts';
import { openService, type Service } from './service.ts';

let service: Service;
const workplaces: Workplace[] = [];
beforeAll(async () => {
  service = await openService();
});
afterAll(async () => {
  workplaces.forEach(closeWorkplace);
  await service?.close();
});

function open(): Workplace {
  const workplace = openWorkplace(service);
  workplaces.push(workplace);
  return workplace;
}
const create = (at: Workplace, body: Record<string, unknown>) =>
  service.api.post('/connections', body, { organization: at.organization });

const client = { client_id: 'c', client_secret: 'the-canary-secret' };
/** Connections that were made by hand, from the least to the most that can be set. */
const byHand: Record<string, unknown>[] = [
  declare('plain'),
  declare('secret', { client_secret: 'the-canary-secret' }),
  { connection_name: 'google', provider: 'google', ...client },
  { connection_name: 'google-own', provider: 'google', ...client, scopes: [], test_url: 'https://own.example/me' },
  { connection_name: 'zendesk', provider: 'zendesk', ...client, variables: { sub: 'acme' } },
  { connection_name: 'salesforce', provider: 'salesforce', ...client, token_url: 'https://eu.example/token' },
  declare('everything', {
    ...client,
    revocation_url: 'https://provider.example/revoke',
    test_url: 'https://provider.example/me',
    scopes: ['z', 'a'],
    token_auth_method: 'client_secret_post',
    authorize_params: { prompt: 'yes', audience: '# no comment' },
    token_params: { audience: '1e3' },
    multi_account: true,
    share_with_organizations: false,
    pkce: false,
    terminal_errors: ['gone'],
    error_path: 'error.code|error',
    description: 'Two\nlines: "quoted"',
  }),
];

test('an export plans to nothing, names the secrets, and is adopted by apply', async () => {
  const at = open();
  for (const body of byHand) expect((await create(at, body)).status, JSON.stringify(body)).toBe(201);
  const exported = await at.cli('export', '--connections', '--out', 'connections.yaml');
  expect(exported).toMatchObject({ code: 0, stdout: '' });
  const text = readFileSync(join(at.directory, 'connections.yaml'), 'utf8');
  expect(text).not.toContain('canary');
  // The URLs of a template are left out, those of the connection are not.
  expect(text).not.toMatch(/googleapis|accounts\.google/);
  expect(text).toContain('token_url: https://eu.example/token');
  const variables = exported.stderr.match(/[A-Z_]+_CLIENT_SECRET/g) ?? [];
  expect(variables).toContain('GOOGLE_OWN_CLIENT_SECRET');
  for (const name of variables) at.environment[name] = 'the-canary-secret';

  const planned = await at.cli('plan', '--exit-code', '--prune');
  const count = byHand.length;
  const summary = `0 to create, 0 to change, 0 to delete, 0 unchanged, ${count} to adopt\n`;
  expect(planned).toMatchObject({ code: 0, stdout: summary });
  const before = await at.read('everything');
  expect((await at.cli('apply', '--yes')).code).toBe(0);
  const { updated_at, ...after } = await at.read('everything');
  expect({ ...after, updated_at: before.updated_at }).toEqual({ ...before, managed_by: 'connections.yaml' });
  const kept = `0 to create, 0 to change, 0 to delete, ${count} unchanged\n`;
  expect(await at.cli('plan', '--exit-code')).toMatchObject({ code: 0, stdout: kept });
  // Prints what a file gets, and never overwrites a file.
  expect((await at.cli('export', '--connections')).stdout).toBe(text);
  expect((await at.cli('export', '--connections', '--out', 'connections.yaml')).code).toBe(1);
});

test('the file makes the same connections in another organisation', async () => {
  const [from, to] = [open(), open()];
  for (const body of byHand) await create(from, body);
  const { stdout, stderr } = await from.cli('export', '--connections');
  for (const name of stderr.match(/[A-Z_]+_CLIENT_SECRET/g) ?? []) to.environment[name] = 'the-canary-secret';
  to.write(stdout);
  expect((await to.cli('apply', '--yes')).code).toBe(0);
  const again = await to.cli('export', '--connections');
  expect(again.stdout).toBe(stdout);
});

test('connections of another file, and values that a file cannot hold, are left out and named', async () => {
  const at = open();
  at.write([declare('theirs')], 'theirs.yaml');
  await at.cli('apply', '--yes', '-f', 'theirs.yaml');
  await create(at, declare('odd', { description: 'a $' + '{placeholder}' }));
  await create(at, declare('even'));
  const { code, stdout, stderr } = await at.cli('export', '--connections');
  expect(code).toBe(1);
  expect(stdout.match(/connection_name: .*/g)).toEqual(['connection_name: even']);
  expect(stderr).toContain('1 connections are kept in theirs.yaml');
  expect(stderr).toContain('odd: description holds ${');
  expect(existsSync(join(at.directory, 'connections.yaml'))).toBe(false);
});
