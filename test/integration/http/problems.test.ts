import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { BrokerError, type BrokerErrorCode, type BrokerErrorDetails } from '../../../src/domain/errors.ts';
import { nextActionByCode } from '../../../src/domain/next-action-of-refusal.ts';
import { problems } from '../../../src/http/problem.ts';
import { problemSchemas } from '../../../src/http/schemas/problem.ts';
import { createHttpFixture, type HttpFixture } from '../../support/http/server-fixture.ts';

let fixture: HttpFixture | undefined;
afterEach(async () => {
  await fixture?.app.close();
  fixture = undefined;
});

const details: Partial<BrokerErrorDetails> = {
  invalid_request: { errors: [{ path: 'scopes.0', message: 'is not a scope' }] },
  client_secret_required: { changed: ['token_url'] },
  would_disconnect: { grants: 3, organizations: 2 },
  data_key_in_use: { values: { 'grants.sealed_tokens': 2 }, processes: [], retirable_from: null },
  dependent_workflows: { dependent_workflows: [{ workflow_id: 'wf-1', workflow_name: null }] },
  min_ttl_unsatisfiable: { lifetime: 3600 },
  method_not_allowed: { allow: ['GET', 'HEAD'] },
  forbidden: { required_permission: 'admin:read' },
  workflow_disabled: {
    disabled_reason: 'broken',
    disabled_at: '2030-01-31T12:00:00.000Z',
    connection_name: null,
  },
  insufficient_scope: { missing_scopes: ['write'] },
  account_ambiguous: { accounts: ['a', 'b'], account_names: { a: 'Workspace A', b: null } },
  rate_limited: { retry_after: 7.2 },
  connection_not_ready: {
    connection_status: 'failed',
    status_reason: 'revoked',
    status_message: null,
    next_action: 'wait',
    retry_after: 30,
  },
  confirmation_refused: { status_reason: 'authorization_expired', next_action: 'authorize' },
  provider_unavailable: { retry_after: 5 },
  service_unavailable: { retry_after: 0 },
};

describe('problems', () => {
  test.each(Object.keys(problems) as BrokerErrorCode[])(
    'the problem %s has its status, its declared members and no others',
    async (code) => {
      const extension = (details[code] ?? {}) as BrokerErrorDetails[typeof code];
      fixture = await createHttpFixture({
        getCredential: async () => {
          throw BrokerError.with(code, 'What happened.', extension, new Error('canary-cause'));
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
        ...(nextActionByCode[code] !== undefined && { next_action: nextActionByCode[code] }),
        ...extension,
      };
      expect(response.json()).toEqual(expected);
      expect(problemSchemas.get(code)?.parse(response.json())).toEqual(expected);
      expect(response.headers['www-authenticate']).toBe(
        code === 'unauthorized' ? 'Bearer realm="token-broker"' : undefined,
      );
      expect(response.body).not.toContain('canary');
    },
  );

  test('Retry-After holds whole seconds and is never zero', async () => {
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

  test('an unexpected error is hidden from the caller, and its bodies and parsed text from the log', async () => {
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
      'a body that is not an object',
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
    ['a method that the route does not have', 'POST', '/health', 405, 'method_not_allowed'],
    ['a broken escape', 'GET', '/connections/%zz', 400, 'invalid_request'],
    ['a path part that is too long', 'GET', `/connections/${'a'.repeat(2000)}`, 400, 'invalid_request'],
    ['a malformed name', 'GET', '/connections/a%20b', 400, 'invalid_request'],
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

  test('headers over the limit and malformed HTTP get a problem response, not a connection reset', async () => {
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
    let response = '';
    socket.on('data', (chunk) => {
      response += chunk.toString();
    });
    socket.on('close', () => resolve(response));
    socket.on('error', (error) => (response === '' ? reject(error) : undefined));
  });
}
