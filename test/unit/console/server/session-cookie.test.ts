import cookie from '@fastify/cookie';
import fastify from 'fastify';
import { describe, expect, test } from 'vitest';
import { createSessionCookie } from '../../../../src/console/server/session-cookie.ts';
import { isBrokerError } from '../../../../src/domain/errors.ts';
import { Secret } from '../../../../src/domain/secret.ts';

const id = 'I'.repeat(43);
const [oldKey, newKey] = ['the-older-key-of-all-cookies-00000000', 'the-newer-key-of-all-cookies-00000000'];

/** A service at an address with these keys: writes the cookie of a session, and reads what a browser sends. */
async function serve({
  keys = [newKey],
  baseUrl = 'https://broker.example',
}: {
  keys?: string[];
  baseUrl?: string;
} = {}) {
  const app = fastify();
  await app.register(cookie);
  const isHttps = baseUrl.startsWith('https:');
  const session = createSessionCookie({ isHttps, baseUrl: () => baseUrl, cookieKeys: () => keys });
  app.get('/write', async (_request, reply) => {
    session.write(reply, new Secret(id), 60);
    return '';
  });
  app.get('/read', async (request) => ({ id: session.read(request)?.reveal() ?? null }));
  app.setErrorHandler((error, _request, reply) => reply.send({ refused: isBrokerError(error, 'service_unavailable') }));
  return {
    write: async () => String((await app.inject('/write')).headers['set-cookie']).split(';', 1)[0] ?? '',
    read: async (sent: string) => (await app.inject({ url: '/read', headers: { cookie: sent } })).json(),
  };
}

describe('the cookie of a session', () => {
  test('is read by a process with the same keys, and by one whose newest key is another', async () => {
    const sent = await (await serve({ keys: [oldKey] })).write();
    for (const keys of [[oldKey], [newKey, oldKey]]) expect(await (await serve({ keys })).read(sent)).toEqual({ id });
  });

  test('that was made up, altered, or signed with another key or for another service holds no id', async () => {
    const service = await serve();
    const sent = await service.write();
    const [name = ''] = sent.split('=', 1);
    const foreign = await (await serve({ keys: [oldKey] })).write();
    const elsewhere = await (await serve({ baseUrl: 'https://other.example' })).write();
    const altered = sent.replace(id, `J${id.slice(1)}`);
    for (const wrong of [`${name}=${id}`, `${name}=${id}.`, altered, `${sent}A`, foreign, elsewhere, `${name}=`])
      expect(await service.read(wrong), wrong).toEqual({ id: null });
    expect(await service.read(sent)).toEqual({ id });
  });

  test('is not taken for none while the keys are being loaded', async () => {
    const sent = await (await serve()).write();
    const starting = await serve({ keys: [] });
    expect(await starting.read(sent)).toEqual({ refused: true });
    expect(await starting.read('')).toEqual({ id: null });
  });
});
