import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { createGuardedHttp } from '../../../src/outbound/guarded-http.ts';
import { createNameLookup } from '../../../src/outbound/name-lookup.ts';
import { createSystemNames } from '../../../src/outbound/system-names.ts';
import { json, startHostileProvider } from '../../support/provider/hostile-provider.ts';
import { startNameServer } from '../../support/provider/name-server.ts';

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0)) await close();
});

function namesOf(hosts: string, resolver = '') {
  const directory = mkdtempSync(join(tmpdir(), 'names-'));
  opened.push(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, 'hosts'), hosts);
  writeFileSync(join(directory, 'resolv.conf'), resolver);
  return createSystemNames(join(directory, 'hosts'), join(directory, 'resolv.conf'));
}

async function lookupAt(known: Record<string, readonly string[] | null>, names = namesOf(''), timeoutMs = 500) {
  const server = await startNameServer(known);
  opened.push(() => server.close());
  return { server, resolve: createNameLookup({ timeoutMs, servers: [server.address], names }) };
}

describe('a name look-up', () => {
  test('a name has the addresses that the name server gives', async () => {
    const { resolve } = await lookupAt({ 'provider.test': ['192.0.2.1', '192.0.2.2'] });
    expect((await resolve('Provider.test')).toSorted()).toEqual(['192.0.2.1', '192.0.2.2']);
  });

  test('a name that does not exist is ENOTFOUND, and one whose server is silent is EAI_AGAIN in time', async () => {
    const { resolve } = await lookupAt({ 'absent.test': null });
    await expect(resolve('absent.test')).rejects.toMatchObject({ code: 'ENOTFOUND' });
    const started = performance.now();
    await expect(resolve('silent.test')).rejects.toMatchObject({ code: 'EAI_AGAIN' });
    expect(performance.now() - started).toBeLessThan(2000);
  });

  test('the hosts file comes first, and localhost needs neither file nor server', async () => {
    const names = namesOf('192.0.2.7\tprovider.test alias # comment\n2001:db8::7 provider.test');
    const { resolve, server } = await lookupAt({}, names);
    expect(await resolve('provider.test')).toEqual(['192.0.2.7', '2001:db8::7']);
    expect(await resolve('ALIAS')).toEqual(['192.0.2.7']);
    for (const name of ['localhost', 'app.localhost']) expect(await resolve(name)).toContain('127.0.0.1');
    expect(server.asked).toEqual([]);
  });

  test.each([
    ['provider', ['provider.one.test', 'provider.two.test', 'provider']],
    ['provider.one', ['provider.one.one.test', 'provider.one.two.test', 'provider.one']],
    ['a.b.c', ['a.b.c', 'a.b.c.one.test', 'a.b.c.two.test']],
    ['provider.', ['provider']],
  ])('search domains and ndots of resolv.conf apply to %s', (name, candidates) => {
    const names = namesOf('', 'nameserver 192.0.2.53\nsearch one.test two.test.\noptions timeout:1 ndots:2\n');
    expect(names.candidates(name)).toEqual(candidates);
  });

  test('callers of the same name share one look-up', async () => {
    const { resolve, server } = await lookupAt({ 'provider.test': ['192.0.2.1'] });
    await Promise.all(Array.from({ length: 20 }, () => resolve('provider.test')));
    expect(server.asked).toEqual(['provider.test', 'provider.test']);
  });
});

test('400 names on a silent name server delay neither the look-up of another organisation nor file access', async () => {
  const provider = await startHostileProvider();
  provider.script('/token', json(200, {}));
  const { resolve } = await lookupAt({ 'provider.test': ['127.0.0.1'] });
  const http = createGuardedHttp({ allowPrivateNetwork: true, connectTimeoutMs: 10_000, resolve });
  opened.push(
    () => provider.close(),
    () => http.close(),
  );
  const port = new URL(provider.origin).port;
  const send = (host: string, organizationId: string) =>
    http.send(
      { method: 'POST', url: `http://${host}:${port}/token`, headers: {}, body: '', organizationId },
      performance.now() + 1500,
    );
  let ended = 0;
  const silent = Array.from({ length: 400 }, (_, index) =>
    send(`silent-${index}.test`, 'acme').catch(() => {
      ended += 1;
    }),
  );
  await Promise.all(Array.from({ length: 8 }, () => readFile(import.meta.filename)));
  expect((await send('provider.test', 'globex')).status).toBe(200);
  expect(ended).toBe(0);
  await Promise.all(silent);
});

test('one organisation connects to at most 20 servers at a time', async () => {
  const { resolve, server } = await lookupAt({}, namesOf(''), 5000);
  const http = createGuardedHttp({ allowPrivateNetwork: true, connectTimeoutMs: 10_000, resolve });
  opened.push(() => http.close());
  const calls = Array.from({ length: 50 }, (_, index) =>
    http
      .send(
        { method: 'GET', url: `http://silent-${index}.test/`, headers: {}, body: null, organizationId: 'acme' },
        performance.now() + 3000,
      )
      .catch(() => undefined),
  );
  while (new Set(server.asked).size < 20) await sleep(10);
  await sleep(100);
  expect(new Set(server.asked).size).toBe(20);
  await Promise.all(calls);
});
