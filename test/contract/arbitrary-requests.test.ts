import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { contract } from '../../src/http/contract/contract.ts';
import { addConnection, importGrant } from '../e2e/connections.ts';
import { bodySchemaOf, type Request, requestWith } from './arbitrary-input.ts';
import { createResponseCheck } from './documented-responses.ts';
import { openService, type Service } from './service.ts';

const deleteConnection = 'DELETE /connections/{name}';

let service: Service;
let connections: string[];
beforeAll(async () => {
  service = await openService({ PROVIDER_RETRIES: '0', PROVIDER_TIMEOUT_MS: '500', PROVIDER_CALL_CAP_MS: '1000' });
  const connected = await addConnection(service);
  await importGrant(service, connected, 3600);
  connections = [connected.name, (await addConnection(service, { organization: 'acme' })).name, 'absent'];
});
afterAll(() => service?.close());

/** Every route. Deleting a connection comes last: the other routes need the connections. */
const routes = contract
  .map(({ method, path }) => `${method} ${path}`)
  .toSorted((a, b) => Number(a === deleteConnection) - Number(b === deleteConnection));

/** Codes that a response with status 503 may have. Every other status of 500 or more is a failure of the service. */
const expected503 = ['connection_not_ready', 'provider_unavailable'];

async function send(route: string, { segments, query: pairs, headers, body: sent }: Request) {
  const [method = '', pattern = ''] = route.split(' ');
  const parts = segments.map((part) =>
    encodeURIComponent(typeof part === 'number' ? (connections[part] ?? '') : part.toWellFormed()),
  );
  const path = pattern.replace(/\{\w+\}/g, () => parts.shift() || 'x');
  const search = new URLSearchParams(
    pairs.map(([name, text]) => [name.toWellFormed(), text.toWellFormed()] as [string, string]),
  );
  const response = await fetch(`${service.broker.url}${path}?${search}`, {
    method,
    redirect: 'manual',
    headers: {
      authorization: `Bearer ${service.stack.adminKey()}`,
      ...headers,
      ...(path.startsWith('/callback/') && { 'content-type': 'application/x-www-form-urlencoded' }),
    },
    ...(method === 'GET' || sent === undefined ? {} : { body: new TextEncoder().encode(sent) }),
  });
  const responseText = await response.text();
  const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '');
  const received = {
    status: response.status,
    headers: response.headers,
    text: responseText,
    body: isJson ? JSON.parse(responseText) : {},
  };
  return { method, path, received };
}

test.each(routes)('an arbitrary request to %s gets a documented response and no internal error', async (route) => {
  const check = createResponseCheck(service.document);
  await fc.assert(
    fc.asyncProperty(requestWith(bodySchemaOf(service.document, route)), async (request) => {
      const { method, path, received } = await send(route, request);
      if (received.status >= 500)
        expect([received.status, expected503]).toEqual([503, expect.arrayContaining([received.body.code])]);
      expect(check(method, path, received), `${received.status} ${received.text.slice(0, 500)}`).toEqual([]);
    }),
    { numRuns: 40, endOnFailure: true },
  );
});
