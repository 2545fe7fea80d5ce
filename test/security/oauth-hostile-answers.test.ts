import { afterEach, beforeEach, expect, test } from 'vitest';
import { createGuardedHttp, type GuardedHttp } from '../../src/oauth/guarded-http.ts';
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
} from '../support/hostile-provider.ts';

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

test('a redirect is an answer, never followed: a 307 would replay the secret', async () => {
  provider.script('/token', text(307, '', { location: `${provider.origin}/elsewhere` }));
  expect(await post()).toMatchObject({ status: 307 });
  expect(provider.received.map(({ path }) => path)).toEqual(['/token']);
});

test('no encoding is offered, and an encoded body is not unpacked', async () => {
  provider.script('/token', gzipBomb);
  expect(await post()).toMatchObject({ status: 200, body: null });
  expect(provider.received[0]?.headers['accept-encoding']).toBe('identity');
});

test('a body without end is cut at the cap', async () => {
  provider.script('/token', flood);
  expect(await post()).toMatchObject({ status: 200, body: null });
});

test('a body just within the cap is read whole', async () => {
  const body = JSON.stringify({ filler: 'x'.repeat(256 * 1024 - 13) });
  expect(Buffer.byteLength(body)).toBe(256 * 1024);
  provider.script('/token', text(200, body), text(200, `${body} `));
  expect((await post()).body).toBe(body);
  expect((await post()).body).toBeNull();
});

test('a body that drips is cut at the deadline, however short its pauses', async () => {
  provider.script('/token', drip);
  expect(await post(150)).toMatchObject({ status: 200, body: null });
});

test('a provider that never answers fails as perhaps spent', async () => {
  provider.script('/token', hang);
  await expect(post(100)).rejects.toMatchObject({
    facts: { class: 'transient', sent: true, answered: false, httpStatus: null },
  });
});

test('a connection dropped before the answer fails as perhaps spent', async () => {
  provider.script('/token', reset);
  await expect(post()).rejects.toMatchObject({ facts: { class: 'transient', sent: true, answered: false } });
});

test('a connection dropped inside the body leaves the status and no body', async () => {
  provider.script('/token', closeMidBody);
  expect(await post()).toMatchObject({ status: 200, body: null });
});

test('a kept-alive socket that the provider drops under a request never sends that request twice', async () => {
  provider.script('/token', json(200, {}), reset);
  await post();
  await expect(post()).rejects.toMatchObject({ facts: { sent: true } });
  expect(provider.received).toHaveLength(2);
});

test('nobody listening means nothing was sent', async () => {
  await provider.close();
  await expect(post()).rejects.toMatchObject({ facts: { class: 'transient', sent: false, answered: false } });
  provider = await startHostileProvider();
});

test('a deadline that passed before the connection stood means nothing was sent', async () => {
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
  // The connection was still made later: what had been given up must not be written to it.
  expect(provider.received).toHaveLength(0);
});

test('a header that would split the request is refused before sending', async () => {
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
