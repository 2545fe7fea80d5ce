import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bodySchemaOf, type Request, requestWith } from '../contract/arbitrary-input.ts';
import type { OpenApi } from '../contract/documented-responses.ts';
import { canary, leaksIn } from './canaries.ts';
import { type Operation, operations } from './openapi-operations.ts';
import { addConnection, expectStatus, openScene, type Scene } from './scene.ts';

/** Requests of one run, divided by the operations. */
const totalRequests = 10_000;
const perOperation = Math.ceil(totalRequests / operations.length);
/** Requests in flight at once. Few enough that the service answers each long before the limit. */
const atOnce = 16;
/** Milliseconds after which a response counts as hanging. Above every time limit that the service gives itself. */
const hangsAfterMs = 25_000;
/** Codes of the only responses with a status of 500 or more: the connection of the test has no provider that works. */
const expected503 = ['connection_not_ready', 'provider_unavailable'];

let scene: Scene;
let document: OpenApi;
const names: string[] = [];
beforeAll(async () => {
  const providerLimits = { PROVIDER_TIMEOUT_MS: '500', PROVIDER_CALL_CAP_MS: '500' };
  scene = await openScene({ ADMIN_API_KEY: canary('admin'), ...providerLimits });
  document = (await (await fetch(`${scene.url}/openapi.json`)).json()) as OpenApi;
  for (const organization of [undefined, 'acme']) {
    const connection = await addConnection(scene, { organization, body: { client_secret: canary('clientsecret') } });
    const tokens = { access_token: canary('access'), refresh_token: canary('refresh'), expires_in: 3600 };
    expectStatus(await scene.api.post(`${connection.path}/grants`, tokens, { organization }), 201);
    names.push(connection.name);
  }
  names.push('absent');
});
afterAll(() => scene?.close());

/** Changes of the bytes of a body that no JSON writer makes. */
const damages: readonly ((body: string) => string | Buffer)[] = [
  (body) => body.slice(0, -1),
  (body) => `${body}${body}`,
  (body) => body.replace(/^\{(.+)\}$/s, '{$1,$1}'),
  (body) => body.replaceAll(/:("[^"]*"|\d+|true|false)/g, ':null'),
  (body) => body.replaceAll(/"[^"]*"(?=[,}])/g, '"\\ud800"'),
  (body) => `{"a":${'['.repeat(5_000)}${']'.repeat(5_000)},${body.slice(1)}`,
  (body) => `\ufeff${body}`,
  (body) => Buffer.from(body, 'utf16le'),
  (body) => Buffer.concat([Buffer.from(body.slice(0, -1)), Buffer.from([0xff, 0xfe, 0xc0, 0x80])]),
  (body) => body.replace(/"([^"]*)"\}$/, (_, last) => `"${String(last).padEnd(100_000, 'é')}"}`),
];
/** Spellings of a query that no client library writes. */
const rawQueries = [
  'limit=1&limit=2',
  'q=%',
  'q=%zz',
  'q=%ff%fe',
  'subject[]=a',
  '&&=&',
  '__proto__=x',
  'a'.repeat(9_000),
];

interface Attempt {
  request: Request;
  damage: ((body: string) => string | Buffer) | undefined;
  rawQuery: string | undefined;
  mediaType: string | undefined;
}
const rarely = <T>(values: readonly T[]) =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.constantFrom(...values) });

const attemptAt = ({ method, path }: Operation): fc.Arbitrary<Attempt> =>
  fc.record({
    request: requestWith(bodySchemaOf(document, `${method} ${path}`)),
    damage: rarely(damages),
    rawQuery: rarely(rawQueries),
    mediaType: rarely(['text/plain', 'application/json; charset=utf-16', 'application/x-ndjson', '', 'a/b; c="']),
  });

async function send({ method, path, body }: Operation, { request, damage, rawQuery, mediaType }: Attempt) {
  const parts = request.segments.map((part) =>
    encodeURIComponent(typeof part === 'number' ? (names[part] ?? '') : part.toWellFormed()),
  );
  const filled = path.replace(/\{\w+\}/g, () => parts.shift() || 'x');
  const query = request.query.map((pair): [string, string] => [pair[0].toWellFormed(), pair[1].toWellFormed()]);
  const search = new URLSearchParams(query);
  const sent = request.body === undefined ? undefined : (damage ?? ((same) => same))(request.body);
  const type = mediaType ?? body?.type ?? request.headers['content-type'] ?? '';
  const response = await fetch(`${scene.url}${filled}?${rawQuery ?? search}`, {
    method,
    redirect: 'manual',
    signal: AbortSignal.timeout(hangsAfterMs),
    headers: { ...request.headers, 'content-type': type, authorization: `Bearer ${scene.adminKey}` },
    ...(method === 'GET' || sent === undefined ? {} : { body: new Uint8Array(Buffer.from(sent)) }),
  });
  return { url: `${method} ${filled}?${rawQuery ?? search}`, status: response.status, text: await response.text() };
}

/** Deleting a connection comes last: the other operations need the connections. */
const inOrder = operations.toSorted(
  (a, b) => Number(a.id === 'deleteConnection') - Number(b.id === 'deleteConnection'),
);

test.each(inOrder.map((operation) => [operation.id, operation] as const))(
  'arbitrary requests to %s get no 5xx, no endless wait and no secret',
  { timeout: 120_000 },
  async (_, operation) => {
    const attempts = fc.sample(attemptAt(operation), perOperation);
    while (attempts.length > 0) {
      const batch = attempts.splice(0, atOnce);
      const responses = await Promise.all(batch.map((attempt) => send(operation, attempt)));
      for (const [at, { url, status, text }] of responses.entries()) {
        const isExpected = status < 500 || (status === 503 && expected503.some((code) => text.includes(`"${code}"`)));
        const problem = `${url} ${batch[at]?.request.body?.slice(0, 300)} got ${status} ${text.slice(0, 500)}`;
        expect(isExpected, problem).toBe(true);
        // Messages of the database, of the runtime and of its file system name parts that no caller needs to know.
        expect(text, problem).not.toMatch(/node_modules|file:\/\/|\bat .+\.ts:\d+|syntax error at/i);
        if (!mayCarrySecrets(operation)) expect(leaksIn('the response', text), problem).toEqual([]);
      }
    }
  },
);

test('after all of them the service is ready and never failed inside', async () => {
  expect((await fetch(`${scene.url}/readyz`)).status).toBe(200);
  expect(scene.broker.isRunning()).toBe(true);
  expect(scene.broker.logs()).not.toMatch(/"level":"(error|fatal)"/);
});

/** Credentials are the only responses that a token is meant for. */
function mayCarrySecrets({ id }: Operation): boolean {
  return ['getCredential', 'renewCredential'].includes(id);
}
