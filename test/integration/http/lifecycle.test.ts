import { Agent, type IncomingMessage, request } from 'node:http';
import { PassThrough } from 'node:stream';
import fastify from 'fastify';
import { afterEach, describe, expect, test } from 'vitest';
import type { BackgroundWork, HealthProbes } from '../../../src/broker/administration/read-health.ts';
import { registerConnectionClose } from '../../../src/http/common-headers.ts';
import { adminKey, createHttpFixture, credential, type HttpFixture } from '../../support/http/server-fixture.ts';

let fixture: HttpFixture | undefined;
afterEach(async () => {
  await fixture?.app.close();
  fixture = undefined;
});

const work: BackgroundWork = { workers: 2, lastSweepAt: new Date('2030-01-31T11:45:00Z'), isSweepOverdue: false };
const up: HealthProbes = {
  background: async () => work,
  unsavedTokens: async () => 0,
  queue: async () => null,
  readiness: async () => ({ database: true, migrated: true, keyProven: true, reason: null }),
  refreshMode: 'on' as const,
};
const changed = (change: Partial<BackgroundWork>): HealthProbes => ({
  ...up,
  background: async () => ({ ...work, ...change }),
});
const refuses = async () => 'out_of_memory' as const;
const fails = async (): Promise<never> => {
  throw new Error('away');
};

const three = async (): Promise<number> => 3;

describe('health', () => {
  test.each([
    [
      'everything is available',
      up,
      200,
      {
        status: 'ok',
        database: 'ok',
        queue: 'ok',
        queue_failure: null,
        workers: 2,
        last_sweep_at: '2030-01-31T11:45:00.000Z',
        unsaved_tokens: 0,
      },
    ],
    ['no worker is alive', changed({ workers: 0 }), 200, { status: 'degraded', database: 'ok', workers: 0 }],
    ['the last sweep is overdue', changed({ isSweepOverdue: true }), 200, { status: 'degraded', database: 'ok' }],
    ['no sweep has ended', changed({ lastSweepAt: null }), 200, { status: 'ok', last_sweep_at: null }],
    ['tokens wait to be stored', { ...up, unsavedTokens: three }, 200, { status: 'degraded', unsaved_tokens: 3 }],
    ['the spool cannot be read', { ...up, unsavedTokens: fails }, 200, { status: 'degraded', unsaved_tokens: null }],
    [
      'the queue refuses writes',
      { ...up, queue: refuses },
      200,
      { status: 'degraded', database: 'ok', queue: 'unavailable', queue_failure: 'out_of_memory' },
    ],
    [
      'the probe of the queue throws',
      { ...up, queue: fails },
      200,
      { status: 'degraded', queue_failure: 'unreachable' },
    ],
    [
      'the database is unavailable',
      { ...up, background: fails, unsavedTokens: three },
      503,
      {
        status: 'unavailable',
        database: 'unavailable',
        workers: null,
        last_sweep_at: null,
        unsaved_tokens: 3,
      },
    ],
  ] as const)('GET /health when %s', async (_name, probes, status, body) => {
    fixture = await createHttpFixture({}, { probes });
    const response = await fixture.app.inject({ url: '/health' });
    expect(response.statusCode).toBe(status);
    expect(response.json()).toMatchObject({
      service: 'token-broker',
      version: '1.2.3',
      timestamp: '2030-01-31T12:00:00.000Z',
      ...body,
    });
  });

  test.each([
    [{ database: true, migrated: true, keyProven: true, reason: null }, 200],
    [{ database: false, migrated: true, keyProven: true, reason: null }, 503],
    [{ database: true, migrated: false, keyProven: true, reason: null }, 503],
    [{ database: true, migrated: true, keyProven: false, reason: null }, 503],
  ])('with the checks %j, /readyz gives %i and /livez gives 200', async (readiness, status) => {
    fixture = await createHttpFixture({}, { probes: { ...up, readiness: async () => readiness, background: fails } });
    expect((await fixture.app.inject({ url: '/readyz' })).statusCode).toBe(status);
    expect((await fixture.app.inject({ url: '/livez' })).json()).toEqual({ status: 'ok' });
  });

  test('concurrent health requests share one probe', async () => {
    let probed = 0;
    const gate = Promise.withResolvers<BackgroundWork>();
    const background = () => {
      probed += 1;
      return gate.promise;
    };
    fixture = await createHttpFixture({}, { probes: { ...up, background } });
    const requests = Array.from({ length: 20 }, () => fixture?.app.inject({ url: '/health' }));
    await Promise.resolve();
    gate.resolve(work);
    for (const response of await Promise.all(requests)) expect(response?.statusCode).toBe(200);
    expect(probed).toBeLessThan(20);
  });
});

test('closing the server waits for the request in flight and ends its connection', async () => {
  const entered = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  fixture = await createHttpFixture({
    getCredential: async () => {
      entered.resolve();
      await gate.promise;
      return credential;
    },
  });
  await fixture.app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = fixture.app.server.address() as { port: number };
  const agent = new Agent({ keepAlive: true });
  const response = new Promise<{ status: number | undefined; connection: string | undefined }>((resolve, reject) => {
    request(
      { agent, port, host: '127.0.0.1', path: '/credentials/crm', headers: { authorization: `Bearer ${adminKey}` } },
      (message) => {
        message.resume();
        message.on('end', () => resolve({ status: message.statusCode, connection: message.headers.connection }));
      },
    )
      .on('error', reject)
      .end();
  });
  await entered.promise;
  let closed = false;
  const closing = fixture.app.close().then(() => {
    closed = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(closed).toBe(false);
  gate.resolve();
  expect(await response).toEqual({ status: 200, connection: 'close' });
  await closing;
  agent.destroy();
});

test('closing the server ends a connection whose response was under way and had announced to keep it', async () => {
  const body = new PassThrough();
  const app = fastify({ forceCloseConnections: 'idle', keepAliveTimeout: 72_000 });
  registerConnectionClose(app);
  app.get('/', async () => body);
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as { port: number };
  const agent = new Agent({ keepAlive: true });
  try {
    body.write('first');
    const { promise: head, resolve } = Promise.withResolvers<IncomingMessage>();
    request({ agent, port, host: '127.0.0.1', path: '/' }, resolve).end();
    const message = await head;
    expect(message.headers.connection).toBe('keep-alive');
    let closed = false;
    void app.close().then(() => {
      closed = true;
    });
    // From then on, the end of the response alone makes the connection idle.
    await expect.poll(() => app.server.listening).toBe(false);
    body.end('last');
    message.resume();
    // Far below the time for which the client would keep the connection.
    await expect.poll(() => closed, { timeout: 30_000 }).toBe(true);
  } finally {
    agent.destroy();
  }
});
