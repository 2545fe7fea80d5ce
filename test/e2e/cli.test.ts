import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openService, type Service } from '../contract/service.ts';
import { canaries, leaksIn } from '../security/canaries.ts';
import { createBrowser } from '../support/browser/browser.ts';
import { type Cli, type CliCall, type CliResult, cliScript, createCli } from '../support/cli/cli-process.ts';
import { signIn } from '../support/oauth-server/sign-in.ts';
import { freePort } from '../support/processes/free-port.ts';
import { addConnection, importGrant, type TestConnection } from './connections.ts';

let service: Service;
let cli: Cli;
let connection: TestConnection;

beforeAll(async () => {
  service = await openService();
  const adminKey = service.stack.adminKey();
  canaries.set(adminKey, 'administrator’s key');
  cli = createCli({ TOKEN_BROKER_URL: service.broker.url, TOKEN_BROKER_KEY: adminKey });
  connection = await addConnection(service);
  canaries.set(connection.clientSecret, 'client secret');
  canaries.set((await importGrant(service, connection, 86_400)).accessToken, 'access token');
});
afterAll(async () => {
  cli?.remove();
  await service?.close();
});

async function succeed(args: readonly string[], call?: CliCall): Promise<CliResult> {
  const result = await cli.run(args, call);
  expect(result.code, `${args.join(' ')}\n${result.stderr}`).toBe(0);
  return result;
}

const json = async (args: readonly string[], call?: CliCall) =>
  JSON.parse((await succeed([...args, '--json'], call)).stdout);

describe('a pipe', () => {
  test('receives one document with the members of the API, or a line an item', async () => {
    const { body } = await service.api.get('/connections');
    const document = await json(['connections', 'list']);
    expect(document).toEqual({ connections: body.connections, count: 1 });
    const { stdout, stderr } = await succeed(['--ndjson', 'connections', 'list']);
    expect(stdout.split('\n')).toEqual([JSON.stringify(document.connections[0]), '']);
    expect(stderr).toBe('');
    const detail = await json(['connections', 'show', connection.name]);
    expect(detail).toEqual((await service.api.get(connection.path)).body);
  });

  test('receives aligned columns without colour, and facts', async () => {
    const list = await succeed(['connections', 'list', '--status', 'completed']);
    expect(list.stdout).toMatch(/^NAME +PROVIDER +ORGANISATION +STATUS /);
    expect(list.stdout).toMatch(new RegExp(`^${connection.name} +generic +global +completed +- +in 23 h`, 'm'));
    expect(list.stdout).not.toContain('\u001b');
    expect((await succeed(['connections', 'list', '--query', 'no-such'])).stderr).toBe('No connections.\n');
    expect((await succeed(['grants', 'list', connection.name])).stdout).toMatch(/^GRANT +SUBJECT /);
  });

  test('may end before the command does', async () => {
    const node = [execPath, cliScript, '--help'].join(' ');
    const piped = createCli(cli.env, ['bash', '-c']);
    expect((await piped.spawn([`set -o pipefail; ${node} | true`])).code).toBe(0);
    piped.remove();
  });
});

describe('a connection by the command line', () => {
  test('is created with a secret from stdin, connected, edited and deleted', async () => {
    const client = await service.provider.registerClient();
    canaries.set(client.clientSecret, 'client secret from stdin');
    const { authorization, token } = service.provider.endpoints;
    const urls = ['--authorization-url', authorization, '--token-url', token];
    const create = ['connections', 'create', 'crm', '--client-id', client.clientId, ...urls, '--client-secret', '-'];
    const more = ['--scopes', 'openid offline_access', '--authorize-param', 'prompt=consent'];
    const input = `${client.clientSecret}\n`;
    expect(await json([...create, ...more, '--dry-run'], { input })).toHaveProperty('changes');
    expect((await cli.run(['connections', 'show', 'crm'])).code).toBe(3);
    const created = await succeed([...create, ...more], { input });
    expect(created.stderr).toContain('Register this redirect URI at the provider: ');
    const detail = await json(['connections', 'show', 'crm']);
    expect(detail).toMatchObject({ has_client_secret: true, scopes: ['openid', 'offline_access'] });
    await service.provider.addRedirectUri(client.clientId, detail.redirect_uri);

    const started = await json(['authorize', 'crm', '--subject', 'ada', '--expires-in', '1h']);
    await signIn(createBrowser(), started.authorization_url, { login: 'ada' });
    expect((await json(['grants', 'list', 'crm'])).grants).toMatchObject([{ subject: 'ada', status: 'completed' }]);

    const edited = await succeed(['connections', 'edit', 'crm', '--description', 'our CRM', '--json']);
    expect(JSON.parse(edited.stdout)).toMatchObject({ description: 'our CRM' });
    expect(edited.stderr).toContain('description  none → our CRM');
    await succeed(['connections', 'edit', 'crm', '--unset', 'description']);
    expect((await succeed(['connections', 'edit', 'crm', '--no-multi-account'])).stderr).toBe('Nothing to change.\n');

    const disconnect = ['connections', 'edit', 'crm', '--client-id', 'another', '--client-secret', '-'];
    const refused = await cli.run(disconnect, { input: 'canary-new-secret' });
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('disconnects 1 grant in 1 organisation'),
    });
    expect(refused.stderr).toContain('No terminal to ask on. Give --yes.');
    expect((await json(['connections', 'show', 'crm'])).client_id).toBe(client.clientId);
    await succeed([...disconnect, '--yes'], { input: 'canary-new-secret' });
    canaries.set('canary-new-secret', 'new client secret');
    expect((await json(['connections', 'show', 'crm'])).client_id).toBe('another');

    expect((await cli.run(['connections', 'delete', 'crm'])).code).toBe(2);
    await succeed(['connections', 'delete', 'crm', '--dry-run']);
    await succeed(['connections', 'delete', 'crm', '--yes']);
    expect((await cli.run(['connections', 'show', 'crm'])).code).toBe(3);
  });

  test('is not created with a secret that was typed in the place of a file', async () => {
    const typed = ['connections', 'create', 'x', '--client-id', 'c', '--client-secret', 'canary-typed-secret'];
    const { code, stderr } = await createCli(cli.env).run(typed);
    expect(code).toBe(2);
    expect(stderr).toContain('never the secret itself');
    expect(stderr).not.toContain('canary');
  });
});

describe('the grant of a connection', () => {
  test('is fetched with a masked token, and with the token alone on demand', async () => {
    const { body } = await service.api.get(connection.credential);
    canaries.set(body.access_token, 'refreshed access token');
    expect((await succeed(['credential', connection.name])).stdout).toContain(
      `${body.access_token.slice(0, 4)}… (Bearer`,
    );
    expect((await json(['credential', connection.name])).access_token).toBe(`${body.access_token.slice(0, 4)}…`);
    // Apart from the others, whose output is searched for tokens.
    const revealing = createCli(cli.env);
    const revealed = await revealing.run(['credential', connection.name, '--reveal', '--min-ttl', '1h']);
    expect(revealed).toEqual({ code: 0, stdout: `${body.access_token}\n`, stderr: '' });
    const document = await revealing.run(['credential', connection.name, '--reveal', '--json']);
    expect(JSON.parse(document.stdout)).toEqual((await service.api.get(connection.credential)).body);
    revealing.remove();
  });

  test('is explained, tested, refreshed and revoked', async () => {
    const { stdout, stderr } = await succeed(['explain', connection.name]);
    expect(stdout).toMatch(/^grant +passed /m);
    expect(stderr).toBe('A fetch answers 200.\n');
    expect(await json(['test', connection.name])).toMatchObject({ test_result: 'success' });
    expect(await json(['refresh', connection.name])).toMatchObject({ status: 'completed' });
    const { grants } = await json(['grants', 'list', connection.name]);
    const [{ grant_id: id }] = grants;
    expect(await json(['grants', 'show', connection.name, id])).toMatchObject({ grant_id: id });
    expect((await cli.run(['revoke', connection.name])).code).toBe(2);
    expect(await json(['revoke', connection.name, '--dry-run'])).toMatchObject({ grants: [{ grant_id: id }] });
    expect(await json(['revoke', connection.name, '--yes'])).toMatchObject({ revoked: [{ grant_id: id }] });
    expect((await cli.run(['credential', connection.name])).code).toBe(5);
    await succeed(['authorize', connection.name]);
    expect(await json(['cancel', connection.name])).toMatchObject({ cancelled: 1 });
  });
});

describe('administration', () => {
  test('a key is written to a new private file, listed without its value, and revoked', async () => {
    const create = ['api-keys', 'create', 'reader', '--permissions', 'credentials:read', '--global'];
    expect((await cli.run(create)).code).toBe(2);
    const { id } = await json([...create, '--out', 'reader-key', '--expires-at', '7d']);
    const file = join(cli.home, 'reader-key');
    const key = readFileSync(file, 'utf8').trim();
    canaries.set(key, 'API key');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect((await cli.run([...create, '--out', 'reader-key'])).code).toBe(2);
    expect((await cli.run(['connections', 'list', '--key-file', 'reader-key'])).code).toBe(4);
    expect((await json(['api-keys', 'list'])).api_keys).toMatchObject([{ id, name: 'reader' }]);
    expect((await cli.run(['api-keys', 'revoke', id])).code).toBe(2);
    await succeed(['api-keys', 'revoke', id, '--yes']);
    expect((await cli.run(['credential', connection.name, '--key-file', '-'], { input: key })).code).toBe(4);
  });

  test('workflows are registered, disabled and enabled', async () => {
    await succeed(['workflows', 'register', 'w1', connection.name]);
    expect((await json(['workflows', 'dependents', connection.name])).dependents).toMatchObject([
      { workflow_id: 'w1' },
    ]);
    expect((await json(['workflows', 'dependencies', 'w1'])).dependencies).toHaveLength(1);
    await succeed(['workflows', 'disable', 'w1', '--reason', 'too many calls']);
    expect((await json(['workflows', 'disabled'])).workflows).toMatchObject([{ disabled_reason: 'too many calls' }]);
    expect((await cli.run(['credential', connection.name, '--workflow', 'w1'])).code).toBe(5);
    expect(await json(['workflows', 'enable', 'w1'])).toMatchObject({ is_disabled: false });
  });

  test('a sweep is run to its end, and the encryption keys are shown', async () => {
    expect(await json(['sweep', 'run', '--wait'])).toMatchObject({ is_running: false });
    expect((await json(['sweep', 'status', '--limit', '1'])).sweeps).toHaveLength(1);
    expect(await json(['keys', 'status'])).toMatchObject({ encryption_key_id: 'k1' });
    expect((await succeed(['keys', 'status'])).stdout).toMatch(/^k1 +yes +yes +1$/m);
  });

  test('events are shown oldest first, as a document, and all of them as lines', async () => {
    const { audit_events: events } = await json(['audit', '--limit', '3', '--from', '1d']);
    const times = events.map(({ time }: { time: string }) => time);
    expect(times).toEqual([...times].sort());
    expect(times).toHaveLength(3);
    const all = (await succeed(['audit', '--all', '--action', 'api_key.created'])).stdout.trimEnd().split('\n');
    expect(all.map((line) => JSON.parse(line).action)).toEqual(['api_key.created']);
    expect((await cli.run(['audit', '--follow', '--json'])).code).toBe(2);
  });
});

describe('the exit code of the process', () => {
  const create = 'connections create there --client-id c --flow refresh_token --token-url https://p.example/t';

  test.each<[code: number, name: string, command: string, env?: () => Promise<Record<string, string>>]>([
    [0, 'help of every command', 'connections create --help'],
    [0, 'a connection that is created', `${create} --no-client-secret`],
    [1, 'a name that exists', `${create} --no-client-secret`],
    [2, 'an unknown option', 'connections list --ful'],
    [2, 'an unknown value', 'connections list --status fine'],
    [2, 'a field that the broker refuses', 'connections create x --client-id c --provider no-such'],
    [3, 'an absent connection', 'connections show no-such'],
    [4, 'no key', 'connections list', async () => ({ TOKEN_BROKER_KEY: '' })],
    [4, 'a wrong key', 'connections list', async () => ({ TOKEN_BROKER_KEY: 'wrong' })],
    [5, 'a connection without a grant', 'credential there'],
    [
      75,
      'a broker that does not run',
      'connections list',
      async () => ({ TOKEN_BROKER_URL: `http://127.0.0.1:${await freePort()}` }),
    ],
  ])('is %i for %s', async (code, _name, command, env = async () => ({})) => {
    const result = await cli.spawn(command.split(' '), { env: await env() });
    expect(result.code, result.stderr).toBe(code);
    if (code > 0) expect(result).toMatchObject({ stdout: '', stderr: expect.stringMatching(/\S/) });
    if (code === 3) expect(result.stderr).toMatch(/^error: .*\n {2}why .*\n {2}next .*\n {2}request [\w-]+\n$/);
  });
});

describe('settings', () => {
  test('a login keeps address and key in a private file, which later commands use and which others may not read', async () => {
    const own = createCli();
    const login = ['login', '--url', service.broker.url, '--key-file', '-', '--profile', 'test'];
    expect((await own.run(login, { input: 'wrong' })).code).toBe(4);
    expect(await own.run(login, { input: service.stack.adminKey() })).toMatchObject({ code: 0, stdout: '' });
    const file = join(own.home, '.config', 'token-broker', 'config.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect((await own.run(['connections', 'list'])).code).toBe(0);
    expect((await own.run(['profile', 'list', '--json'])).stdout).toContain('"is_current": true');
    chmodSync(file, 0o644);
    expect(await own.run(['connections', 'list'])).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('chmod 600'),
    });
    chmodSync(file, 0o600);
    expect((await own.run(['logout'])).code).toBe(0);
    expect(readFileSync(file, 'utf8')).not.toContain(service.stack.adminKey());
    cli.record.output += own.record.output;
    own.remove();
  });

  test('beside an embedded broker its key is found, and the words say so', async () => {
    const own = createCli({ PORT: String(service.broker.port) });
    mkdirSync(join(own.home, 'data'));
    writeFileSync(join(own.home, 'data', 'admin-key'), service.stack.adminKey());
    const { code, stdout, stderr } = await own.run(['connections', 'list', '--json']);
    expect(stderr).toBe(`Using the administrator’s key in ${join(own.home, 'data', 'admin-key')}.\n`);
    expect([code, JSON.parse(stdout).connections.length > 0]).toEqual([0, true]);
    cli.record.output += own.record.output;
    own.remove();
  });
});

test('no command above took a secret as an argument, and none printed one', () => {
  expect(canaries.size).toBeGreaterThan(5);
  expect(cli.record.output.length).toBeGreaterThan(10_000);
  expect(leaksIn('the arguments', cli.record.args)).toEqual([]);
  expect(leaksIn('the output', cli.record.output)).toEqual([]);
  expect(leaksIn('x', [...canaries.keys()].join())).toHaveLength(canaries.size);
});
