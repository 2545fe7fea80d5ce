import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { contract } from '../../../src/http/contract/contract.ts';
import { createHttpFixture, type HttpFixture } from '../../support/http/server-fixture.ts';

let fixture: HttpFixture;
beforeAll(async () => {
  fixture = await createHttpFixture({}, { rateLimitMax: 1_000_000 });
});
afterAll(() => fixture.app.close());

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom('', '\0', '\ud800', '__proto__', 'constructor', '%', '%zz', '*', 'crm', 'null', '1e999', '../..'),
);
const anyJson = fc.oneof(fc.json({ maxDepth: 4 }), fc.string({ maxLength: 40 }), fc.constant(''));

/** Members of request bodies. Bodies with known members and wrong values reach deeper code than arbitrary bodies. */
const fields = [
  'connection_name',
  'provider',
  'client_id',
  'client_secret',
  'authorization_url',
  'scopes',
  'variables',
  'authorize_params',
  'token_params',
  'description',
  'multi_account',
  'access_token',
  'refresh_token',
  'expires_at',
  'expires_in',
  'extra',
  'subject',
  'account_id',
  'return_url',
  'rejected_token',
  'name',
  'permissions',
  'organizations',
  'connections',
];
const almostRight = fc
  .dictionary(
    fc.constantFrom(...fields),
    fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      anyText,
      fc.dictionary(anyText, fc.oneof(anyText, fc.constant(null))),
      fc.constantFrom('https://provider.example/x', 'crm', 'a b', '2031-01-01T00:00:00Z', ['admin:read'], '*', 60),
    ),
  )
  .map((value) => JSON.stringify(value));
const route = fc.constantFrom(...contract);

test('no body, query, header or path causes a 5xx response', async () => {
  await fc.assert(
    fc.asyncProperty(
      route,
      fc.oneof(anyJson, almostRight),
      fc.constantFrom(
        'application/json',
        'application/merge-patch+json',
        'application/x-www-form-urlencoded',
        'text/plain',
        '',
      ),
      fc.array(
        fc.tuple(fc.oneof(anyText, fc.constantFrom('limit', 'min_ttl', 'scopes', 'subject', 'q', 'state')), anyText),
        {
          maxLength: 4,
        },
      ),
      fc.array(anyText, { minLength: 2, maxLength: 2 }),
      fc.string({ maxLength: 20 }),
      async ({ method, path }, payload, contentType, query, parts, header) => {
        let part = 0;
        const filled = path.replace(/\{\w+\}/g, () => encodeURIComponent((parts[part++ % 2] ?? 'x').toWellFormed()));
        const search = query.map(([name, value]) => `${asQuery(name)}=${asQuery(value)}`).join('&');
        const sendsBody = method !== 'GET';
        const response = await fixture.call({
          method,
          url: `${filled}?${search}`,
          headers: {
            ...(sendsBody && contentType !== '' ? { 'content-type': contentType } : {}),
            'if-match': latin(header),
            'x-request-id': latin(header),
            cookie: latin(header),
          },
          ...(sendsBody ? { payload } : {}),
        });
        expect(response.statusCode, `${method} ${filled} ${payload}: ${response.body}`).toBeLessThan(500);
      },
    ),
    { numRuns: 1500 },
  );
});

test('no unencoded path causes a 5xx response', async () => {
  await fc.assert(
    fc.asyncProperty(fc.stringMatching(/^[!-~]{0,60}$/), async (raw) => {
      const url = `/${raw.replaceAll('#', '')}`;
      // Skips URLs that the client of this test cannot send.
      fc.pre(URL.canParse(url, 'http://localhost') && !url.startsWith('//'));
      const response = await fixture.call({ method: 'GET', url });
      expect(response.statusCode, raw).toBeLessThan(500);
    }),
    { numRuns: 300 },
  );
});

function latin(text: string): string {
  return text.replace(/[^\x20-\x7e\xa0-\xff]/g, '.');
}

/** Percent-encodes text, except text that already contains %, so that invalid escapes reach the server. */
function asQuery(text: string): string {
  return text.includes('%') ? text.replace(/[^!-~]|[#&]/g, '') : encodeURIComponent(text.toWellFormed());
}
