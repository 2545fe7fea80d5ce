import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConnection, importGrant } from '../e2e/connections.ts';
import { bodySchemaOf, type Request, requestWith } from './arbitrary-input.ts';
import { createAnswerCheck, type OpenApi } from './documented-answers.ts';
import { openService, type Service } from './service.ts';

let service: Service;
let connections: string[];
beforeAll(async () => {
  service = await openService({ PROVIDER_RETRIES: '0', PROVIDER_TIMEOUT_MS: '500', PROVIDER_CALL_CAP_MS: '1000' });
  const connected = await addConnection(service);
  await importGrant(service, connected, 3600);
  connections = [connected.name, (await addConnection(service, { organization: 'acme' })).name, 'absent'];
});
afterAll(() => service?.close());

const routes = [
  ...['POST /connections', 'GET /connections', 'GET /connections/{name}', 'PATCH /connections/{name}'],
  ...['PUT /connections/{name}', 'POST /connections/{name}/authorize', 'GET /authorizations/{state}'],
  ...['POST /connections/{name}/cancel', 'POST /connections/{name}/test', 'POST /connections/{name}/refresh'],
  ...['POST /connections/{name}/revoke', 'GET /connections/{name}/grants', 'POST /connections/{name}/grants'],
  ...['DELETE /connections/{name}/grants/{grant_id}', 'GET /authorize/{state}'],
  ...['GET /callback/{name}', 'POST /callback/{name}', 'GET /callback/{organization_id}/{name}'],
  ...['POST /callback/{organization_id}/{name}', 'GET /credentials/{name}', 'POST /credentials/{name}/renew'],
  ...['GET /providers', 'GET /providers/{id}', 'POST /admin/api-keys', 'GET /admin/api-keys'],
  ...['DELETE /admin/api-keys/{id}', 'GET /health', 'GET /livez', 'GET /readyz', 'GET /openapi.json', 'GET /docs'],
  'DELETE /connections/{name}',
];

/** What the contract lets a service say with a status of 500 and more, other than of its own health. */
const expected503 = ['connection_not_ready', 'provider_unavailable'];

async function send(route: string, { segments, query: pairs, headers: given, body: sent }: Request) {
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
      ...given,
      ...(path.startsWith('/callback/') && { 'content-type': 'application/x-www-form-urlencoded' }),
    },
    ...(method === 'GET' || sent === undefined ? {} : { body: new TextEncoder().encode(sent) }),
  });
  const answerText = await response.text();
  const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '');
  const answer = {
    status: response.status,
    headers: response.headers,
    text: answerText,
    body: isJson ? JSON.parse(answerText) : {},
  };
  return { method, path, answer };
}

describe('whatever comes in, the answer is one of the contract and no failure of the service', () => {
  test.each(routes)('%s', async (route) => {
    const check = createAnswerCheck(service.document);
    await fc.assert(
      fc.asyncProperty(requestWith(bodySchemaOf(service.document, route)), async (request) => {
        const { method, path, answer } = await send(route, request);
        if (answer.status >= 500)
          expect([answer.status, expected503]).toEqual([503, expect.arrayContaining([answer.body.code])]);
        expect(check(method, path, answer), `${answer.status} ${answer.text.slice(0, 500)}`).toEqual([]);
      }),
      { numRuns: 40, endOnFailure: true },
    );
  });

  test('and that is every route there is', () => {
    const document: OpenApi = service.document;
    const declared = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(routes.toSorted()).toEqual(declared.toSorted());
  });
});
