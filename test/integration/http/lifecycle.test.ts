import { Agent, request } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import type { HealthProbes } from '../../../src/http/routes/health.ts';
import { adminKey, createHttpFixture, credential, type HttpFixture } from '../../support/http-fixture.ts';

let fixture: HttpFixture | undefined;
afterEach(async () => {
  await fixture?.app.close();
  fixture = undefined;
});

const up: HealthProbes = {
  database: async () => true,
  queue: async () => true,
  readiness: async () => ({ database: true, migrated: true, keyProven: true }),
};
const down = async (): Promise<boolean> => false;
const fails = async (): Promise<boolean> => {
  throw new Error('away');
};

describe('health', () => {
  test.each([
    ['everything is up', up, 200, { status: 'ok', database: 'ok', queue: 'ok' }],
    ['the queue is down', { ...up, queue: down }, 200, { status: 'degraded', database: 'ok', queue: 'unavailable' }],
    ['the queue’s probe throws', { ...up, queue: fails }, 200, { status: 'degraded', queue: 'unavailable' }],
    ['the database is down', { ...up, database: down }, 503, { status: 'unavailable', database: 'unavailable' }],
    [
      'the database’s probe throws',
      { ...up, database: fails },
      503,
      { status: 'unavailable', database: 'unavailable' },
    ],
  ] as const)('%s', async (_name, probes, status, body) => {
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
    [{ database: true, migrated: true, keyProven: true }, 200],
    [{ database: false, migrated: true, keyProven: true }, 503],
    [{ database: true, migrated: false, keyProven: true }, 503],
    [{ database: true, migrated: true, keyProven: false }, 503],
  ])('ready as %j is %i, and alive in any case', async (readiness, status) => {
    fixture = await createHttpFixture({}, { probes: { ...up, readiness: async () => readiness, database: fails } });
    expect((await fixture.app.inject({ url: '/readyz' })).statusCode).toBe(status);
    expect((await fixture.app.inject({ url: '/livez' })).json()).toEqual({ status: 'ok' });
  });

  test('a crowd at the open door costs one probe', async () => {
    let probed = 0;
    const gate = Promise.withResolvers<boolean>();
    const database = () => {
      probed += 1;
      return gate.promise;
    };
    fixture = await createHttpFixture({}, { probes: { ...up, database } });
    const crowd = Array.from({ length: 20 }, () => fixture?.app.inject({ url: '/health' }));
    await Promise.resolve();
    gate.resolve(true);
    for (const response of await Promise.all(crowd)) expect(response?.statusCode).toBe(200);
    expect(probed).toBeLessThan(20);
  });
});

test('closing waits for the request in flight and lets its connection go', async () => {
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
  const answer = new Promise<{ status: number | undefined; connection: string | undefined }>((resolve, reject) => {
    request(
      { agent, port, host: '127.0.0.1', path: '/credentials/crm', headers: { authorization: `Bearer ${adminKey}` } },
      (response) => {
        response.resume();
        response.on('end', () => resolve({ status: response.statusCode, connection: response.headers.connection }));
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
  expect(await answer).toEqual({ status: 200, connection: 'close' });
  await closing;
  agent.destroy();
});
