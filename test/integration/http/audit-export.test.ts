import http from 'node:http';
import { afterEach, expect, test } from 'vitest';
import type { ExportAuditEvents } from '../../../src/broker/administration/export-audit-events.ts';
import type { StoredAuditEvent } from '../../../src/domain/audit.ts';
import { BrokerError } from '../../../src/domain/errors.ts';
import { adminKey, createHttpFixture, type HttpFixture } from '../../support/http/server-fixture.ts';

let fixture: HttpFixture | undefined;
afterEach(() => fixture?.app.close());

const piece = (from: number, count: number): StoredAuditEvent[] =>
  Array.from({ length: count }, (_, n) => ({
    id: String(from + n),
    time: new Date('2030-01-31T12:00:00Z'),
    actor: 'broker',
    action: 'grant.refreshed',
    organizationId: 'acme',
    connectionId: null,
    connectionName: 'crm',
    grantId: null,
    outcome: 'success',
    details: { message: 'x'.repeat(500) },
    requestId: null,
    address: null,
  }));
const away = BrokerError.with('service_unavailable', 'The database cannot be reached.', { retry_after: 2 });

async function open(exportAuditEvents: ExportAuditEvents): Promise<URL> {
  fixture = await createHttpFixture({ exportAuditEvents });
  return new URL(await fixture.app.listen({ host: '127.0.0.1', port: 0 }));
}

const headers = { authorization: `Bearer ${adminKey}`, accept: 'application/x-ndjson' };
const get = (base: URL, query = '', method = 'GET') =>
  fetch(new URL(`/admin/audit-events${query}`, base), { headers, method });

test('an export sends every piece as lines of JSON', async () => {
  const base = await open(async function* () {
    yield piece(1, 3);
    yield piece(4, 2);
  });
  const response = await get(base);
  expect(response.headers.get('content-type')).toBe('application/x-ndjson');
  const lines = (await response.text()).trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line).id)).toEqual(['1', '2', '3', '4', '5']);
});

test('an export without events is an empty body', async () => {
  const response = await get(await open(async function* () {}));
  expect([response.status, await response.text()]).toEqual([200, '']);
});

test('an export that cannot begin is refused with a status', async () => {
  const base = await open(async function* () {
    yield* [];
    throw away;
  });
  const response = await get(base);
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ code: 'service_unavailable' });
});

test('an export that breaks off ends with a line that says so and without the end of the body', async () => {
  const base = await open(async function* () {
    yield piece(1, 1);
    throw new Error('canary-cause');
  });
  const { body, complete } = await read(base);
  const lines = body.trimEnd().split('\n');
  expect(complete).toBe(false);
  expect(lines).toHaveLength(2);
  expect(JSON.parse(lines[1] ?? '')).toEqual({
    error: expect.objectContaining({ code: 'internal_error', status: 500 }),
  });
  expect(body).not.toContain('canary-cause');
});

/** Reads a response to its end, whatever ends it. */
function read(base: URL): Promise<{ body: string; complete: boolean }> {
  return new Promise((resolve, reject) => {
    const request = http.get(new URL('/admin/audit-events', base), { headers }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('error', () => {});
      response.on('close', () => resolve({ body, complete: response.complete }));
    });
    request.on('error', reject);
  });
}

test('a client that does not read stops the export, and one that leaves ends it', async () => {
  const state = { pieces: 0, ended: false };
  const base = await open(async function* () {
    try {
      for (;;) {
        state.pieces += 1;
        yield piece(state.pieces * 1000, 1000);
      }
    } finally {
      state.ended = true;
    }
  });
  const request = http.get(new URL('/admin/audit-events', base), { headers });
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    request.on('response', resolve);
    request.on('error', reject);
  });
  response.pause();
  response.on('error', () => {});
  let seen = -1;
  await expect
    .poll(
      () => {
        const isStill = seen === state.pieces;
        seen = state.pieces;
        return isStill;
      },
      { interval: 300 },
    )
    .toBe(true);
  expect(state.ended).toBe(false);
  request.destroy();
  await expect.poll(() => state.ended).toBe(true);
});

test('a process that ends breaks off its exports', async () => {
  const asked = Promise.withResolvers<void>();
  const closing = Promise.withResolvers<void>();
  const base = await open(async function* () {
    yield piece(1, 1);
    asked.resolve();
    await closing.promise;
    yield piece(2, 1);
    yield piece(3, 1);
  });
  const reading = read(base);
  await asked.promise;
  const closed = fixture?.app.close();
  await new Promise((resolve) => setImmediate(resolve));
  closing.resolve();
  const { body, complete } = await reading;
  await closed;
  expect(complete).toBe(false);
  expect(JSON.parse(body.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({ error: { code: 'service_unavailable' } });
});

test.each(['limit=10', 'cursor=abc'])('an export refuses %s: it has no pages', async (query) => {
  const response = await get(await open(async function* () {}), `?${query}`);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ errors: [{ path: `query.${query.split('=')[0]}` }] });
});

test('HEAD reads no events', async () => {
  let pieces = 0;
  const base = await open(async function* () {
    for (;;) {
      pieces += 1;
      yield piece(1, 1);
    }
  });
  expect((await get(base, '', 'HEAD')).status).toBe(200);
  expect(pieces).toBe(0);
});
