import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { BrokerError, type BrokerErrorCode, type BrokerErrorDetails } from '../../../src/domain/errors.ts';
import { problems } from '../../../src/http/problem.ts';
import { problemSchemas } from '../../../src/http/schemas/problem.ts';
import { createHttpFixture, type HttpFixture } from '../../support/http-fixture.ts';

let fixture: HttpFixture | undefined;
afterEach(async () => {
  await fixture?.app.close();
  fixture = undefined;
});

const details: Partial<BrokerErrorDetails> = {
  invalid_request: { errors: [{ path: 'scopes.0', message: 'is not a scope' }] },
  client_secret_required: { changed: ['token_url'] },
  min_ttl_unsatisfiable: { lifetime: 3600 },
  dependent_workflows: { dependent_workflows: [{ workflow_id: 'w', workflow_name: 'Nightly' }] },
  forbidden: { required_permission: 'admin:read' },
  insufficient_scope: { missing_scopes: ['write'] },
  workflow_disabled: { reason: 'too many failures' },
  account_ambiguous: { accounts: ['a', 'b'] },
  rate_limited: { retry_after: 7.2 },
  connection_not_ready: {
    connection_status: 'failed',
    status_reason: 'revoked',
    status_message: null,
    retry_after: 30,
  },
  provider_unavailable: { retry_after: 5 },
  service_unavailable: { retry_after: 0 },
};

describe('problems', () => {
  test.each(Object.keys(problems) as BrokerErrorCode[])(
    '%s has its status, its members and nothing else',
    async (code) => {
      const given = (details[code] ?? {}) as BrokerErrorDetails[typeof code];
      fixture = await createHttpFixture({
        getCredential: async () => {
          throw BrokerError.with(code, 'What happened.', given, new Error('canary-cause'));
        },
      });
      const response = await fixture.call({ url: '/credentials/crm', headers: { 'x-request-id': 'request-1' } });
      expect(response.statusCode).toBe(problems[code].status);
      expect(response.headers['content-type']).toBe('application/problem+json');
      const expected = {
        type: `/docs#${code}`,
        title: problems[code].title,
        status: problems[code].status,
        detail: 'What happened.',
        instance: 'request-1',
        code,
        ...given,
      };
      expect(response.json()).toEqual(expected);
      expect(problemSchemas.get(code)?.parse(response.json())).toEqual(expected);
      expect(response.headers['www-authenticate']).toBe(
        code === 'unauthorized' ? 'Bearer realm="token-broker"' : undefined,
      );
      expect(response.body).not.toContain('canary');
    },
  );

  test('Retry-After is in whole seconds and never zero', async () => {
    const waits: [BrokerErrorCode, string][] = [
      ['rate_limited', '8'],
      ['service_unavailable', '1'],
      ['connection_not_ready', '30'],
    ];
    for (const [code, header] of waits) {
      const each = await createHttpFixture({
        getCredential: async () => {
          throw BrokerError.with(code, 'Wait.', details[code] as BrokerErrorDetails[typeof code]);
        },
      });
      expect((await each.call({ url: '/credentials/crm' })).headers['retry-after']).toBe(header);
      await each.app.close();
    }
  });

  test('an unexpected error tells the caller nothing, and the log neither body nor parsed text', async () => {
    fixture = await createHttpFixture({
      getCredential: async () => {
        const cause = Object.assign(new SyntaxError('Unexpected token: canary-token'), { body: 'canary-body' });
        throw Object.assign(new Error('connection lost', { cause }), { response: 'canary-response' });
      },
    });
    const response = await fixture.call({ url: '/credentials/crm' });
    expect(response.json()).toMatchObject({ code: 'internal_error', status: 500 });
    expect(response.body).not.toMatch(/canary|connection lost/);
    const logged = JSON.stringify(fixture.log);
    expect(logged).toContain('connection lost');
    expect(logged).not.toContain('canary');
  });

  test.each([
    ['bad JSON', { payload: '{"a":', headers: { 'content-type': 'application/json' } }, 400, 'invalid_request'],
    [
      'a __proto__ member',
      { payload: '{"__proto__":{}}', headers: { 'content-type': 'application/json' } },
      400,
      'invalid_request',
    ],
    [
      'a body that is no object',
      { payload: '[1]', headers: { 'content-type': 'application/json' } },
      400,
      'invalid_request',
    ],
    ['a body of null', { payload: 'null', headers: { 'content-type': 'application/json' } }, 400, 'invalid_request'],
    [
      'another media type',
      { payload: 'a=b', headers: { 'content-type': 'text/plain' } },
      415,
      'unsupported_media_type',
    ],
    [
      'a form',
      { payload: 'a=b', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      415,
      'unsupported_media_type',
    ],
    [
      'a merge patch outside PATCH',
      { payload: '{}', headers: { 'content-type': 'application/merge-patch+json' } },
      415,
      'unsupported_media_type',
    ],
    ['a body without a media type', { payload: 'x', headers: { 'content-type': '' } }, 415, 'unsupported_media_type'],
    [
      'too large a body',
      { payload: JSON.stringify({ x: 'x'.repeat(300_000) }), headers: { 'content-type': 'application/json' } },
      413,
      'payload_too_large',
    ],
  ] as const)('%s is refused as a problem', async (_name, options, status, code) => {
    fixture = await createHttpFixture();
    const response = await fixture.call({ method: 'POST', url: '/connections', ...options });
    expect(response.headers['content-type']).toBe('application/problem+json');
    expect(response.json()).toMatchObject({ status, code });
    expect(response.statusCode).toBe(status);
  });

  test.each([
    ['an unknown route', 'GET', '/nowhere', 404, 'not_found'],
    ['a method that a route has not', 'POST', '/health', 404, 'not_found'],
    ['a broken escape', 'GET', '/connections/%zz', 400, 'invalid_request'],
    ['a path part without end', 'GET', `/connections/${'a'.repeat(2000)}`, 400, 'invalid_request'],
    ['a name that can be none', 'GET', '/connections/a%20b', 400, 'invalid_request'],
  ] as const)('%s is refused as a problem', async (_name, method, url, status, code) => {
    fixture = await createHttpFixture();
    const response = await fixture.call({ method, url });
    expect(response.headers['content-type']).toBe('application/problem+json');
    expect(response.json()).toMatchObject({ status, code });
  });

  test.each(['', '   ', undefined])('an empty body (%j) counts as {}', async (payload) => {
    fixture = await createHttpFixture();
    const response = await fixture.call({
      method: 'POST',
      url: '/connections/crm/authorize',
      headers: { 'content-type': 'application/json' },
      ...(payload === undefined ? {} : { payload }),
    });
    expect(response.statusCode).toBe(200);
  });

  test('headers beyond all measure and broken HTTP are answered with a problem, not with a reset', async () => {
    fixture = await createHttpFixture();
    await fixture.app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = fixture.app.server.address() as { port: number };
    const overflow = await exchange(port, `GET /health HTTP/1.1\r\nhost: a\r\nx-large: ${'x'.repeat(20_000)}\r\n\r\n`);
    expect(overflow).toMatch(/^HTTP\/1\.1 413 /);
    expect(overflow).toContain('"code":"payload_too_large"');
    const broken = await exchange(port, 'NONSENSE\r\n\r\n');
    expect(broken).toMatch(/^HTTP\/1\.1 400 /);
    expect(broken).toContain('application/problem+json');
  });
});

function exchange(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk.toString();
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', (error) => (answer === '' ? reject(error) : undefined));
  });
}
