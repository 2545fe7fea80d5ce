import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openService, type Service } from '../contract/service.ts';
import { createBrowser } from '../support/browser/browser.ts';
import { type Cli, cliScript, createCli } from '../support/cli/cli-process.ts';
import { openTerminal, pseudoTerminal, type TerminalSession } from '../support/cli/pseudo-terminal.ts';
import { signIn } from '../support/oauth-server/sign-in.ts';
import { describeWithProgram } from '../support/processes/describe-with-program.ts';
import { addConnection } from './connections.ts';

vi.setConfig({ testTimeout: 240_000 });

let service: Service;
let cli: Cli;
const terminals: TerminalSession[] = [];

beforeAll(async () => {
  service = await openService();
  cli = createCli({ TOKEN_BROKER_URL: service.broker.url, TOKEN_BROKER_KEY: service.stack.adminKey() });
});
afterAll(async () => {
  for (const terminal of terminals) terminal.kill();
  cli?.remove();
  await service?.close();
});

function open(args: readonly string[], env: Record<string, string> = {}): TerminalSession {
  return openCommand([execPath, cliScript, ...args], { ...cli.env, ...env });
}

function openCommand(command: readonly string[], env: Record<string, string>): TerminalSession {
  const terminal = openTerminal(command, { env, directory: cli.home });
  terminals.push(terminal);
  return terminal;
}

const enter = '\r';
const interrupt = '\u0003';

describeWithProgram(pseudoTerminal, 'a person at a terminal', () => {
  test('is asked for what is missing, and the secret is not shown', async () => {
    const { clientId, clientSecret } = await service.provider.registerClient();
    const { authorization, token } = service.provider.endpoints;
    const terminal = open([
      'connections',
      'create',
      'asked',
      '--authorization-url',
      authorization,
      '--token-url',
      token,
    ]);
    await terminal.shows('Client id');
    terminal.type(clientId + enter);
    await terminal.shows('Client secret');
    terminal.type(clientSecret + enter);
    await terminal.shows('Register this redirect URI');
    expect(await terminal.ended).toBe(0);
    const { body } = await service.api.get('/connections/asked');
    expect(body).toMatchObject({ client_id: clientId, has_client_secret: true });
    expect(terminal.screen()).not.toContain(clientSecret);
  });

  test('ends a prompt with Ctrl-C, and nothing is made', async () => {
    const terminal = open(['connections', 'create', 'never', '--token-url', 'https://p.example/token']);
    await terminal.shows('Client id');
    terminal.type(interrupt);
    await terminal.shows('Cancelled. Nothing was changed.');
    expect(await terminal.ended).toBe(1);
    expect((await service.api.get('/connections/never')).status).toBe(404);
  });

  test('types the name of what a command ends, after its effects', async () => {
    const { name } = await addConnection(service);
    for (const [typed, code, status] of [
      ['another', 1, 200],
      [name, 0, 404],
    ] as const) {
      const terminal = open(['connections', 'delete', name]);
      await terminal.shows(`Deleting ${name}:`);
      await terminal.shows(`Type ${name} to delete it`);
      terminal.type(typed + enter);
      expect(await terminal.ended).toBe(code);
      expect((await service.api.get(`/connections/${name}`)).status).toBe(status);
    }
  });

  test('waits for the outcome of an authorization behind a spinner', async () => {
    const { name, path } = await addConnection(service);
    const terminal = open(['authorize', name, '--wait', '--no-open', '--subject', 'ada']);
    await terminal.shows('Waiting for the person to finish');
    const [link = ''] = /http\S+\/authorize\/\S+/.exec(terminal.screen()) ?? [];
    // The spinner moves while the broker is asked.
    await terminal.shows(/[◒◐◓◑•oO0]/);
    await signIn(createBrowser(), link, { login: 'ada' });
    expect(await terminal.shows('Connected ')).toContain(`Connected ${name} as `);
    expect(await terminal.ended).toBe(0);
    expect((await service.api.get(`${path}/grants`)).body).toMatchObject({ grants: [{ subject: 'ada' }] });
  });

  test('learns that the person has refused', async () => {
    const { name } = await addConnection(service);
    const terminal = open(['authorize', name, '--wait', '--no-open']);
    await terminal.shows('Waiting for the person to finish');
    const [link = ''] = /http\S+\/authorize\/\S+/.exec(terminal.screen()) ?? [];
    await signIn(createBrowser(), link, { login: 'ada', decision: 'deny' });
    await terminal.shows('Not connected: failed (user_denied');
    expect(await terminal.ended).toBe(5);
  });

  test('stops waiting with Ctrl-C, and a script sees that nothing was completed', async () => {
    const { name } = await addConnection(service);
    const terminal = open(['authorize', name, '--wait', '--no-open']);
    await terminal.shows('Waiting for the person to finish');
    terminal.type(interrupt);
    expect(await terminal.ended).toBe(130);
  });

  test('sees colour, unless NO_COLOR is set', async () => {
    const colourful = open(['connections', 'list']);
    expect(await colourful.ended).toBe(0);
    expect(colourful.screen()).toContain('\u001b[1mNAME');
    const plain = open(['connections', 'list'], { NO_COLOR: '1' });
    expect(await plain.ended).toBe(0);
    expect(plain.screen()).toMatch(/^NAME/);
  });

  test('follows the audit trail until Ctrl-C', async () => {
    const terminal = open(['audit', '--follow', '--limit', '1', '--action', 'workflow.disabled']);
    await expect
      .poll(
        async () => {
          await service.api.post('/workflows/w1/disable', { reason: 'a test' });
          await service.api.post('/workflows/w1/enable');
          return terminal.screen().split('workflow.disabled').length - 1;
        },
        { timeout: 60_000, interval: 1000 },
      )
      .toBeGreaterThan(2);
    const ids = terminal
      .screen()
      .split('\n')
      .filter((line) => line.includes('workflow.disabled'));
    expect(new Set(ids).size).toBe(ids.length);
    terminal.type(interrupt);
    expect(await terminal.ended).toBe(130);
  });

  test('logs in with a key that is not shown', async () => {
    const terminal = open(['login'], { TOKEN_BROKER_URL: '', TOKEN_BROKER_KEY: '' });
    await terminal.shows('Address of the broker');
    terminal.type(`\u0015${service.broker.url}${enter}`);
    await terminal.shows('API key');
    terminal.type(service.stack.adminKey() + enter);
    await terminal.shows('Logged in to ');
    expect(await terminal.ended).toBe(0);
    const settings = { TOKEN_BROKER_URL: '', TOKEN_BROKER_KEY: '' };
    expect((await cli.run(['connections', 'list'], { env: settings })).code).toBe(0);
  });

  test('completes commands in bash, and leaves no secret in its history', async () => {
    const bin = join(cli.home, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'token-broker'), `#!/bin/sh\nexec ${execPath} ${cliScript} "$@"\n`);
    chmodSync(join(bin, 'token-broker'), 0o755);
    const history = join(cli.home, 'history');
    const env = { ...cli.env, PATH: `${bin}:${cli.env.PATH}`, HISTFILE: history, PS1: 'ready> ' };
    const bash = openCommand(['bash', '--norc', '-i'], env);
    await bash.shows('ready>');
    bash.type(`source <(token-broker completion bash)${enter}`);
    await bash.shows(/\n[\s\S]*ready>/);
    bash.type('token-broker conn\t');
    await bash.shows('connections ');
    bash.type('list --stat\t');
    await bash.shows('--status ');
    bash.type('compl\t');
    await bash.shows('completed ');
    bash.type(enter);
    await bash.shows(/\n[\s\S]*ready>/);
    const command = 'token-broker connections create kept --token-url https://p.example/t --flow refresh_token';
    bash.type(command + enter);
    await bash.shows('Client id');
    bash.type(`an-id${enter}`);
    await bash.shows('Client secret');
    bash.type(`canary-of-history${enter}`);
    await bash.shows(/kept[\s\S]*ready>/);
    bash.type(`exit${enter}`);
    expect(await bash.ended).toBe(0);
    expect((await service.api.get('/connections/kept')).body).toMatchObject({ has_client_secret: true });
    const lines = readFileSync(history, 'utf8');
    expect(lines).toContain(command);
    expect(lines).not.toContain('canary');
  });

  test('never sees a secret on the screen', () => {
    const screens = terminals.map((terminal) => terminal.screen()).join('\n');
    expect(screens).toContain('Client secret');
    for (const secret of [service.stack.adminKey(), 'canary-of-history']) expect(screens).not.toContain(secret);
  });
});
