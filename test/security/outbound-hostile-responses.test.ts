import { afterEach, beforeEach, expect, test } from 'vitest';
import { createGuardedHttp, type GuardedHttp } from '../../src/outbound/guarded-http.ts';
import {
  closeMidBody,
  drip,
  flood,
  gzipBomb,
  type HostileProvider,
  hang,
  json,
  reset,
  startHostileProvider,
  text,
} from '../support/provider/hostile-provider.ts';

let provider: HostileProvider;
let http: GuardedHttp;
beforeEach(async () => {
  provider = await startHostileProvider();
  http = createGuardedHttp({ allowPrivateNetwork: true, connectTimeoutMs: 1000 });
});
afterEach(async () => {
  await provider.close();
  await http.close();
});

function post(timeoutMs = 5000) {
  const request = { method: 'POST' as const, url: `${provider.origin}/token`, headers: {}, body: 'a=b' };
  return http.send(request, performance.now() + timeoutMs);
}

test('a redirect is returned and never followed: a 307 would replay the secret', async () => {
  provider.script('/token', text(307, '', { location: `${provider.origin}/elsewhere` }));
  expect(await post()).toMatchObject({ status: 307 });
  expect(provider.received.map(({ path }) => path)).toEqual(['/token']);
});

test('a request asks for no content coding, and a gzip bomb stops at the size limit', async () => {
  provider.script('/token', gzipBomb);
  expect(await post()).toMatchObject({ status: 200, body: null });
  expect(provider.received[0]?.headers['accept-encoding']).toBe('identity');
});

test('an endless body is cut at the size limit', async () => {
  provider.script('/token', flood);
  expect(await post()).toMatchObject({ status: 200, body: null });
});

test('a body of exactly 256 KiB is read, and one byte more is refused', async () => {
  const body = JSON.stringify({ filler: 'x'.repeat(256 * 1024 - 13) });
  expect(Buffer.byteLength(body)).toBe(256 * 1024);
  provider.script('/token', text(200, body), text(200, `${body} `));
  expect((await post()).body).toBe(body);
  expect((await post()).body).toBeNull();
});

test('a body that drips is cut at the deadline, however short its pauses', async () => {
  provider.script('/token', drip);
  const startedAt = performance.now();
  expect(await post(150)).toMatchObject({ status: 200, isComplete: false });
  expect(performance.now() - startedAt).toBeLessThan(1000);
});

test('a call without a response fails as a call that was sent', async () => {
  provider.script('/token', hang);
  await expect(post(100)).rejects.toMatchObject({
    facts: { class: 'transient', sent: true, answered: false, httpStatus: null },
  });
});

test('a connection dropped before the response fails as a call that was sent', async () => {
  provider.script('/token', reset);
  await expect(post()).rejects.toMatchObject({ facts: { class: 'transient', sent: true, answered: false } });
});

test('a connection dropped inside the body leaves the status and what arrived, marked as incomplete', async () => {
  provider.script('/token', closeMidBody);
  expect(await post()).toMatchObject({ status: 200, body: '{"access_token":', isComplete: false });
});

test('a request is never sent twice when the provider drops a kept-alive connection', async () => {
  provider.script('/token', json(200, {}), reset);
  await post();
  await expect(post()).rejects.toMatchObject({ facts: { sent: true } });
  expect(provider.received).toHaveLength(2);
});

test('a refused connection fails as a call that was not sent', async () => {
  await provider.close();
  await expect(post()).rejects.toMatchObject({ facts: { class: 'transient', sent: false, answered: false } });
  provider = await startHostileProvider();
});

test('a deadline that passes before the connection opens fails as a call that was not sent', async () => {
  provider.script('/token', json(200, {}));
  const slow = createGuardedHttp({
    allowPrivateNetwork: true,
    connectTimeoutMs: 5000,
    resolve: () => new Promise((resolve) => setTimeout(resolve, 200, ['127.0.0.1'])),
  });
  const url = `${provider.origin.replace('127.0.0.1', 'slow.test')}/token`;
  const call = slow.send({ method: 'POST', url, headers: {}, body: 'a=b' }, performance.now() + 50);
  await expect(call).rejects.toMatchObject({ facts: { class: 'transient', sent: false } });
  await slow.close();
  // The connection opens later: the abandoned request must not be written to it.
  expect(provider.received).toHaveLength(0);
});

test('a header that would split the request is refused before it is sent', async () => {
  const request = {
    method: 'POST' as const,
    url: `${provider.origin}/token`,
    headers: { authorization: 'a\r\nx-evil: 1' },
    body: null,
  };
  await expect(http.send(request, performance.now() + 1000)).rejects.toMatchObject({
    facts: { class: 'refused', sent: false },
  });
  expect(provider.received).toHaveLength(0);
});
