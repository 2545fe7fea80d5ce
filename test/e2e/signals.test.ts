import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type BrokerProcess, spawnBroker, startArguments, startBroker } from '../support/processes/broker-process.ts';
import { createDataDir, type DataDir } from '../support/processes/data-dir.ts';
import { findProgram } from '../support/processes/debian-programs.ts';
import { freePort } from '../support/processes/free-port.ts';

const patience = { timeout: 40_000, interval: 20 };
/** Longer than the time within which a signal that is received again counts once. */
const apartMs = 700;

// Every test makes a cluster, and some start twice.
vi.setConfig({ testTimeout: 90_000 });

let dataDir: DataDir;
let stack: AsyncDisposableStack;
beforeEach(() => {
  stack = new AsyncDisposableStack();
  dataDir = createDataDir();
  stack.defer(() => dataDir.remove());
});
afterEach(() => stack.disposeAsync());

function send(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) throw new Error('the process did not start');
  process.kill(pid, signal);
}

/** Waits until no server runs on the data directory. */
async function expectNoDatabase(): Promise<void> {
  await vi.waitFor(() => expect(() => dataDir.databaseUrl()).toThrow('does not run'), patience);
}

async function waitForLog(logs: () => string, text: string): Promise<void> {
  await vi.waitFor(() => expect(logs()).toContain(text), patience);
}

/** Sends half a request, which keeps the service from closing until the socket ends. */
async function holdRequest(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  stack.defer(async () => void socket.destroy());
  socket.on('error', () => {});
  await once(socket, 'connect');
  const headers = `Authorization: Bearer ${dataDir.adminKey()}\r\nContent-Type: application/json\r\nContent-Length: 99`;
  socket.write(`POST /connections HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n\r\n{`);
  // The service must have read the headers.
  await sleep(300);
  return socket;
}

async function start(): Promise<BrokerProcess> {
  const broker = await startBroker({ dataDir: dataDir.path });
  stack.defer(() => broker.kill());
  return broker;
}

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
  '%s closes in order and leaves no database behind',
  async (signal) => {
    const broker = await start();
    send(broker.pid, signal);
    expect(await broker.ended).toEqual([0, null]);
    expect(broker.logs()).toContain('"msg":"closed"');
    await expectNoDatabase();
  },
);

test.each([
  ['SIGINT', 'SIGINT', 130],
  ['SIGTERM', 'SIGTERM', 143],
  ['SIGHUP', 'SIGTERM', 143],
  ['SIGTERM', 'SIGINT', 130],
] as const)('%s and later %s end at once with %i, and the database ends too', async (first, second, code) => {
  const broker = await start();
  await holdRequest(broker.port);
  send(broker.pid, first);
  await waitForLog(broker.logs, '"msg":"closing"');
  await sleep(apartMs);
  expect(broker.isRunning()).toBe(true);
  send(broker.pid, second);
  expect(await broker.ended).toEqual([code, null]);
  await expectNoDatabase();
  // Nothing that was left behind stops the next start.
  const next = await start();
  expect(await next.stop()).toBe(0);
});

test.each(['SIGINT', 'SIGTERM'] as const)('%s that is received twice at once closes in order', async (signal) => {
  const broker = await start();
  const request = await holdRequest(broker.port);
  send(broker.pid, signal);
  await waitForLog(broker.logs, '"msg":"closing"');
  send(broker.pid, signal);
  await sleep(apartMs);
  expect(broker.isRunning()).toBe(true);
  request.destroy();
  expect(await broker.ended).toEqual([0, null]);
  expect(broker.logs()).not.toContain('closing abandoned');
});

test('SIGHUP after SIGTERM, which systemd sends, does not end the service at once', async () => {
  const broker = await start();
  const request = await holdRequest(broker.port);
  send(broker.pid, 'SIGTERM');
  await waitForLog(broker.logs, '"msg":"closing"');
  await sleep(apartMs);
  send(broker.pid, 'SIGHUP');
  await sleep(200);
  expect(broker.isRunning()).toBe(true);
  request.destroy();
  expect(await broker.ended).toEqual([0, null]);
});

test.each([
  ['SIGTERM', 'creating embedded database'],
  ['SIGHUP', 'creating embedded database'],
  ['SIGINT', 'embedded database started'],
  ['SIGHUP', 'listening'],
  ['SIGTERM', 'listening'],
] as const)(
  '%s during the first start, after the line "%s", ends it in order, and the next start works',
  async (signal, line) => {
    const broker = spawnBroker({ dataDir: dataDir.path, port: await freePort() });
    stack.defer(() => broker.kill());
    await waitForLog(broker.logs, `"msg":"${line}"`);
    send(broker.pid, signal);
    expect(await broker.ended, broker.logs()).toEqual([0, null]);
    expect(broker.logs()).not.toMatch(/"level":"(error|fatal)"/);
    await expectNoDatabase();
    const next = await start();
    expect(await next.stop()).toBe(0);
  },
);

test('a second SIGTERM while initdb runs ends at once and leaves no process behind', async () => {
  const broker = spawnBroker({ dataDir: dataDir.path, port: await freePort() });
  stack.defer(() => broker.kill());
  await waitForLog(broker.logs, 'creating embedded database');
  send(broker.pid, 'SIGTERM');
  send(broker.pid, 'SIGINT');
  const [code] = await broker.ended;
  // The first of the two that the process receives may be either.
  expect([0, 130, 143]).toContain(code);
  await expectNoDatabase();
  const next = await start();
  expect(await next.stop()).toBe(0);
});

test('the command migrate ends at its first signal and leaves no database behind', async () => {
  const migration = spawnBroker({ dataDir: dataDir.path, port: await freePort(), command: 'migrate' });
  stack.defer(() => migration.kill());
  await waitForLog(migration.logs, 'embedded database started');
  send(migration.pid, 'SIGTERM');
  expect((await migration.ended)[0]).toBe(143);
  await expectNoDatabase();
});

test('Ctrl-C in the terminal of npm start, which reaches the service twice, closes in order', async () => {
  const port = await freePort();
  const npm = spawn('npm', ['start'], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, PORT: String(port), DATA_DIR: dataDir.path },
    stdio: ['ignore', 'pipe', 'pipe'],
    // The leader of a process group, as a shell starts it.
    detached: true,
  });
  let output = '';
  for (const stream of [npm.stdout, npm.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  stack.defer(async () => {
    if (npm.exitCode === null && npm.signalCode === null) process.kill(-(npm.pid ?? 0), 'SIGKILL');
  });
  await waitForLog(() => output, '"msg":"ready"');
  const request = await holdRequest(port);
  process.kill(-(npm.pid ?? 0), 'SIGINT');
  await sleep(apartMs);
  request.destroy();
  await waitForLog(() => output, '"msg":"closed"');
  expect(output).not.toContain('closing abandoned');
  await expectNoDatabase();
});

test.runIf(findProgram(['script']))('a terminal that closes ends the service in order', async () => {
  const port = await freePort();
  const command = ['exec', process.execPath, ...startArguments].join(' ');
  const terminal = spawn('script', ['-qfc', command, '/dev/null'], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, PORT: String(port), DATA_DIR: dataDir.path },
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  let output = '';
  terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  await waitForLog(() => output, '"msg":"ready"');
  terminal.kill('SIGKILL');
  await expectNoDatabase();
  // A database that ends in order removes its lock, and so does the service.
  const next = await start();
  expect(next.logs()).not.toContain('adopted');
  expect(await next.stop()).toBe(0);
});
