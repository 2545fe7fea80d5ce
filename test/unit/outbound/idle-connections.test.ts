import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { createGuardedHttp, type GuardedHttp } from '../../../src/outbound/guarded-http.ts';
import { type HostileProvider, startHostileProvider } from '../../support/provider/hostile-provider.ts';

let provider: HostileProvider;
let http: GuardedHttp;
afterEach(async () => {
  await provider.close();
  await http.close();
});

test.each([
  ['is reused after a short pause', 100, 1],
  ['is not reused after it was idle for more than a second', 1050, 2],
])('a connection %s', async (_, idleMs, connections) => {
  provider = await startHostileProvider();
  http = createGuardedHttp({ allowPrivateNetwork: true, connectTimeoutMs: 1000 });
  const ports = new Set<number | undefined>();
  provider.script('/token', (response) => {
    ports.add(response.socket?.remotePort);
    // The provider would keep the connection for longer.
    response.writeHead(200, { 'keep-alive': 'timeout=60' }).end('{}');
  });
  const url = `${provider.origin}/token`;
  const send = () => http.send({ method: 'POST', url, headers: {}, body: 'a=b' }, performance.now() + 5000);
  await send();
  await sleep(idleMs);
  await send();
  expect(ports.size).toBe(connections);
});
