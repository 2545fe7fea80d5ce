import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { closeWorkplace, declare, openWorkplace, type Workplace } from './connections-as-code.ts';
import { openService, type Service } from './service.ts';

let service: Service;
const workplaces: Workplace[] = [];
const relays: Server[] = [];
beforeAll(async () => {
  service = await openService();
});
afterAll(async () => {
  workplaces.forEach(closeWorkplace);
  for (const relay of relays) {
    relay.closeAllConnections();
    relay.close();
  }
  await service?.close();
});

function open(): Workplace {
  const workplace = openWorkplace(service);
  workplaces.push(workplace);
  return workplace;
}
const names = ['a', 'b', 'c', 'd', 'e', 'f'];
const created = names.map((name) => `connection.created ${name}`);
const isWrite = ({ method, url = '' }: IncomingMessage) => method !== 'GET' && !url.includes('dry_run=true');

/**
 * Starts a relay to the service that stops at a write: it passes it on, or keeps it, and never answers. `reached` resolves
 * once the service has done the write, or the relay holds it.
 */
async function startRelay(stopAt: number, passesOn: boolean): Promise<{ url: string; reached: Promise<void> }> {
  const { promise: reached, resolve } = Promise.withResolvers<void>();
  let writes = 0;
  const relay = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    const isStop = isWrite(request) && ++writes === stopAt;
    if (isStop && !passesOn) return resolve();
    const { host: _, connection: __, ...headers } = request.headers as Record<string, string>;
    const passed = await fetch(service.broker.url + (request.url ?? ''), {
      method: request.method ?? 'GET',
      headers,
      ...(body.length > 0 && { body }),
    });
    if (isStop) return resolve();
    const etag = passed.headers.get('etag');
    response.writeHead(passed.status, { 'content-type': 'application/json', ...(etag !== null && { etag }) });
    response.end(Buffer.from(await passed.arrayBuffer()));
  });
  relays.push(relay);
  await once(relay.listen(0, '127.0.0.1'), 'listening');
  return { url: `http://127.0.0.1:${(relay.address() as AddressInfo).port}`, reached };
}

function startCli({ directory, environment }: Workplace, url: string, ...args: string[]): ChildProcess {
  const main = join(import.meta.dirname, '../../src/cli/main.ts');
  return spawn(process.execPath, [main, ...args, '--url', url], { cwd: directory, env: environment, stdio: 'ignore' });
}

test.each([
  ['after the service has done the step', true, 3],
  ['before the service gets the step', false, 2],
])('a process that is killed in the middle, %s, is continued by the next apply', async (_, passesOn, done) => {
  const at = open();
  at.write(names.map((name) => declare(name)));
  const relay = await startRelay(3, passesOn);
  const cli = startCli(at, relay.url, 'apply', '--yes');
  await relay.reached;
  cli.kill('SIGKILL');
  await once(cli, 'exit');
  expect(await at.changes()).toEqual(created.slice(0, done));
  expect(await at.cli('plan')).toMatchObject({
    stdout: expect.stringContaining(`${names.length - done} to create, 0 to change, 0 to delete, ${done} unchanged`),
  });
  expect((await at.cli('apply', '--yes')).code).toBe(0);
  expect(await at.changes()).toEqual(created);
  expect((await at.cli('plan', '--exit-code')).code).toBe(0);
});

test('a service that is lost in the middle ends apply with 75, and what is done is told', async () => {
  const at = open();
  at.write(names.map((name) => declare(name)));
  const relay = await startRelay(3, false);
  const applied = at.cli('apply', '--yes', '--url', relay.url);
  await relay.reached;
  relays.at(-1)?.closeAllConnections();
  const { code, stderr } = await applied;
  expect(code).toBe(75);
  expect(stderr).toContain('Interrupted after 2 of 6 steps. Repeat the command to go on.');
});

test('two that apply one file at once both succeed, and do each step once', async () => {
  const at = open();
  at.write(names.map((name) => declare(name)));
  const both = await Promise.all([at.cli('apply', '--yes'), at.cli('apply', '--yes')]);
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  expect((await at.changes()).toSorted()).toEqual(created);

  at.write(names.slice(0, 3).map((name) => declare(name, { description: 'second' })));
  const again = await Promise.all([at.cli('apply', '--yes', '--prune'), at.cli('apply', '--yes', '--prune')]);
  expect(again.map(({ code }) => code)).toEqual([0, 0]);
  const later = (await at.changes()).slice(created.length).toSorted();
  const [kept, gone] = [names.slice(0, 3), names.slice(3)];
  expect(later).toEqual([
    ...gone.map((name) => `connection.deleted ${name}`),
    ...kept.map((name) => `connection.updated ${name}`),
  ]);
  expect((await at.cli('plan', '--exit-code', '--prune')).code).toBe(0);
});

test('many connections are applied once and then found unchanged', async () => {
  const at = open();
  const count = 60;
  at.write(Array.from({ length: count }, (_, index) => declare(`c-${index}`, { description: `number ${index}` })));
  expect((await at.cli('apply', '--yes')).stdout).toContain(`Done: ${count} created`);
  const { code, stdout } = await at.cli('plan', '--exit-code', '--prune');
  expect([code, stdout]).toEqual([0, `0 to create, 0 to change, 0 to delete, ${count} unchanged\n`]);
});
