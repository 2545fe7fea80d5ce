import fc from 'fast-check';
import type { OpenApi } from './documented-responses.ts';

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
/** Values that pass the schema of their field, so that they reach deeper code. */
const plausible: Record<string, fc.Arbitrary<unknown>> = {
  connection_name: fc.string({ unit: fc.constantFrom('a', 'Z', '9', '_', '-'), minLength: 1, maxLength: 100 }),
  authorization_url: url,
  token_url: url,
  revocation_url: url,
  test_url: url,
  return_url: url,
  oauth_flow_type: fc.constantFrom('authorization_code', 'client_credentials', 'refresh_token'),
  provider: fc.constantFrom('generic', 'google', 'slack'),
  scopes: fc.oneof(fc.array(text, { maxLength: 3 }), fc.constantFrom('a b', 'a,b', [])),
  token_auth_method: fc.constantFrom('client_secret_basic', 'client_secret_post', 'none'),
  multi_account: fc.boolean(),
  share_with_organizations: fc.boolean(),
  allow_account_change: fc.boolean(),
  authorize_params: fc.dictionary(text, text),
  token_params: fc.dictionary(text, text),
  variables: fc.dictionary(text, text),
  expires_at: fc.date({ noInvalidDate: true }).map((date) => date.toJSON()),
  expires_in: fc.nat({ max: 4_000_000_000 }),
  extra: fc.dictionary(text, fc.jsonValue({ maxDepth: 3 })),
  permissions: fc.constant(['credentials:read']),
  organizations: fc.oneof(fc.constant('*'), fc.array(text, { maxLength: 2 })),
  global: fc.boolean(),
};

const words = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });

export interface BodySchema {
  properties?: Record<string, unknown>;
  required?: string[];
}

/** Mostly the required members and some optional ones, with plausible values; sometimes arbitrary text. */
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

export function bodySchemaOf({ paths, components }: OpenApi, route: string): BodySchema {
  const [method = '', path = ''] = route.split(' ');
  const schema = paths[path]?.[method.toLowerCase()]?.requestBody?.content['application/json']?.schema;
  const name =
    String(schema?.$ref ?? '')
      .split('/')
      .at(-1) ?? '';
  return (components.schemas[name] as BodySchema | undefined) ?? {};
}

const parameters = [
  'include_global',
  'status',
  'provider',
  'flow',
  'q',
  'limit',
  'cursor',
  'subject',
  'account_id',
  'min_ttl',
  'scopes',
  'state',
  'code',
  'error',
  'iss',
];
const query = fc.array(
  fc.tuple(fc.oneof(fc.constantFrom(...parameters), text), fc.oneof(text, fc.constantFrom('1', 'true'))),
  {
    maxLength: 3,
  },
);
/** Characters that a client can send in a header. */
const headerText = fc.string({
  unit: fc
    .oneof(fc.integer({ min: 0x20, max: 0x7e }), fc.integer({ min: 0x80, max: 0xff }))
    .map((byte) => String.fromCharCode(byte)),
  maxLength: 60,
});
/** Mostly a value that a client would send; sometimes arbitrary text. */
const mostly = (...usual: [string, ...string[]]) =>
  fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...usual) }, { weight: 1, arbitrary: headerText });
const headers = fc.record(
  {
    'content-type': mostly('application/json'),
    'x-organization-id': mostly('acme', 'globex'),
    'if-match': mostly('*', '"x"', 'W/"x"', '"'),
    'x-request-id': headerText,
    cookie: headerText,
    accept: headerText,
  },
  { requiredKeys: ['content-type'] },
);

/** A request. Path segments are text, or the index of an existing connection. */
export interface Request {
  segments: (string | number)[];
  query: [string, string][];
  headers: Record<string, string>;
  body: string | undefined;
}

export const requestWith = (body: BodySchema): fc.Arbitrary<Request> =>
  fc.record({
    segments: fc.tuple(segment, segment),
    query,
    headers: headers.map((chosen) => chosen as Record<string, string>),
    body: bodyOf(body),
  });
/** Mostly the index of an existing connection. */
const segment = fc.oneof({ weight: 3, arbitrary: fc.nat({ max: 2 }) }, { weight: 1, arbitrary: text });
