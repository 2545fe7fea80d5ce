import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConnection, importGrant } from '../e2e/connections.ts';
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

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '',
    '\u0000',
    '\ud800',
    "'; drop table connections --",
    '%',
    '../..',
    'null',
    '__proto__',
    '2030-01-31T12:00:00Z',
  ),
  fc.constantFrom(
    'https://provider.example/x',
    'http://127.0.0.1:1/token',
    'client_credentials',
    'generic',
    'google',
    'acme',
    '*',
  ),
);
const value = fc.oneof(
  { weight: 4, arbitrary: text },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  {
    weight: 1,
    arbitrary: fc.oneof(fc.integer(), fc.double(), fc.boolean(), fc.constant(null), fc.array(text, { maxLength: 3 })),
  },
  { weight: 1, arbitrary: fc.dictionary(text, text, { maxKeys: 3 }) },
);
const url = fc.constantFrom(
  'https://provider.example/x',
  'https://[::1]/',
  'http://127.0.0.1:1/token',
  'https://ü.example/',
);
/** Values that get further than the first look at them. */
const plausible: Record<string, fc.Arbitrary<unknown>> = {
  connection_name: fc.string({ unit: fc.constantFrom('a', 'Z', '9', '_', '-'), minLength: 1, maxLength: 100 }),
  ...{ authorization_url: url, token_url: url, revocation_url: url, test_url: url, return_url: url },
  oauth_flow_type: fc.constantFrom('authorization_code', 'client_credentials', 'refresh_token'),
  provider: fc.constantFrom('generic', 'google', 'slack'),
  scopes: fc.oneof(fc.array(text, { maxLength: 3 }), fc.constantFrom('a b', 'a,b', [])),
  token_auth_method: fc.constantFrom('client_secret_basic', 'client_secret_post', 'none'),
  ...{ multi_account: fc.boolean(), share_with_organizations: fc.boolean(), allow_account_change: fc.boolean() },
  ...{
    authorize_params: fc.dictionary(text, text),
    token_params: fc.dictionary(text, text),
    variables: fc.dictionary(text, text),
  },
  ...{
    expires_at: fc.date({ noInvalidDate: true }).map((date) => date.toJSON()),
    expires_in: fc.nat({ max: 4_000_000_000 }),
  },
  extra: fc.dictionary(text, fc.jsonValue({ maxDepth: 3 })),
  permissions: fc.constant(['credentials:read']),
  organizations: fc.oneof(fc.constant('*'), fc.array(text, { maxLength: 2 })),
  global: fc.boolean(),
};

const words = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });

interface BodySchema {
  properties?: Record<string, unknown>;
  required?: string[];
}

/** Those a route needs and some of those it knows, with values that it may take; at times anything. */
function bodyOf({ properties = {}, required = [] }: BodySchema): fc.Arbitrary<string | undefined> {
  const member = (name: string) =>
    fc.oneof({ weight: 8, arbitrary: plausible[name] ?? words }, { weight: 1, arbitrary: value });
  const names = Object.keys(properties);
  const known = fc
    .subarray(names, { maxLength: Math.min(3, names.length) })
    .chain((some) => fc.record(Object.fromEntries([...required, ...some].map((name) => [name, member(name)]))));
  return fc.oneof(
    { weight: 8, arbitrary: known.map((it) => JSON.stringify(it)) },
    { weight: 1, arbitrary: fc.dictionary(text, value, { maxKeys: 5 }).map((it) => JSON.stringify(it)) },
    { weight: 1, arbitrary: fc.jsonValue().map((it) => JSON.stringify(it)) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 200 }) },
    { weight: 1, arbitrary: fc.constant(undefined) },
  );
}

function bodySchemaOf({ paths, components }: OpenApi, route: string): BodySchema {
  const [method = '', path = ''] = route.split(' ');
  const schema = paths[path]?.[method.toLowerCase()]?.requestBody?.content['application/json']?.schema;
  const name =
    String(schema?.$ref ?? '')
      .split('/')
      .at(-1) ?? '';
  return (components.schemas[name] as BodySchema | undefined) ?? {};
}

const parameters = [
  ...['include_global', 'status', 'provider', 'flow', 'q', 'limit', 'cursor', 'subject', 'account_id', 'min_ttl'],
  ...['scopes', 'confirm_disable_workflows', 'state', 'code', 'error', 'iss'],
];
const query = fc.array(
  fc.tuple(fc.oneof(fc.constantFrom(...parameters), text), fc.oneof(text, fc.constantFrom('1', 'true'))),
  {
    maxLength: 3,
  },
);
/** Bytes that a client can send in a header at all. */
const headerText = fc.string({
  unit: fc
    .oneof(fc.integer({ min: 0x20, max: 0x7e }), fc.integer({ min: 0x80, max: 0xff }))
    .map((byte) => String.fromCharCode(byte)),
  maxLength: 60,
});
/** Mostly something that a client would say. */
const mostly = (...usual: [string, ...string[]]) =>
  fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...usual) }, { weight: 1, arbitrary: headerText });
const headers = fc.record(
  {
    'content-type': mostly('application/json'),
    'x-organization-id': mostly('acme', 'globex'),
    'if-match': mostly('*', '"x"', 'W/"x"', '"'),
    'x-workflow-id': mostly('wf-1'),
    'x-workflow-name': mostly('Nightly'),
    'x-request-id': headerText,
    cookie: headerText,
    accept: headerText,
  },
  { requiredKeys: ['content-type'] },
);

interface Request {
  segments: (string | number)[];
  query: [string, string][];
  headers: Record<string, string>;
  body: string | undefined;
}

const requestWith = (body: BodySchema): fc.Arbitrary<Request> =>
  fc.record({
    segments: fc.tuple(segment, segment),
    query,
    headers: headers.map((given) => given as Record<string, string>),
    body: bodyOf(body),
  });
/** Mostly a connection that is there. */
const segment = fc.oneof({ weight: 3, arbitrary: fc.nat({ max: 2 }) }, { weight: 1, arbitrary: text });

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
