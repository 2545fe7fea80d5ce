import { expect, test } from 'vitest';
import type { Api, ApiCall } from '../../../../src/cli/api.ts';
import { createHttpTarget } from '../../../../src/cli/connections-as-code/http-target.ts';
import { refusedVariables } from '../../../../src/cli/connections-as-code/secret-sources.ts';
import { TokenBrokerError } from '../../../../src/client/errors.ts';
import { secretVariables } from '../../../../src/config/secret-files.ts';

/** A target over responses in their order. */
function open(...responses: (TokenBrokerError | { headers?: Record<string, string>; body?: unknown })[]) {
  const calls: ApiCall[] = [];
  const waits: number[] = [];
  const api: Pick<Api, 'call'> = {
    async call<Body>(call: ApiCall) {
      calls.push(call);
      const response = responses.shift() ?? {};
      if (response instanceof Error) throw response;
      return { status: 200, headers: new Headers(response.headers), body: response.body as Body };
    },
  };
  const target = createHttpTarget({ api: api as Api, onWait: (seconds) => waits.push(seconds) });
  return { target, calls, waits };
}
const problem = (status: number, code: TokenBrokerError['code'], rest = {}) =>
  new TokenBrokerError('why', { code, status, ...rest });
const body = { connection_name: 'a.b', client_id: 'c', managed_by: 'f' };

test('a dry run returns the version that it was made on, and the call is bound to it', async () => {
  const { target, calls } = open({ headers: { etag: '"id-7"' }, body: 'the preview' });
  const change = { action: 'change', name: 'a.b', body } as const;
  expect(await target.preview(change)).toEqual({ preview: 'the preview', etag: '"id-7"' });
  await target.perform(change, '"id-7"', true);
  await target.perform(change, '"id-7"', false);
  await target.perform({ action: 'delete', name: 'a.b' }, '"id-8"', true);
  await target.perform({ action: 'create', name: 'a.b', body }, null, false);
  const path = '/connections/a.b';
  expect(calls).toEqual([
    { method: 'PUT', path, body, query: { dry_run: true } },
    { method: 'PUT', path, body, query: { confirm_disconnect: true }, headers: { 'if-match': '"id-7"' } },
    { method: 'PUT', path, body, query: {}, headers: { 'if-match': '"id-7"' } },
    { method: 'DELETE', path, query: { confirm_disable_workflows: true }, headers: { 'if-match': '"id-8"' } },
    { method: 'POST', path: '/connections', body, query: {}, headers: {} },
  ]);
});

test.each([
  problem(400, 'would_disconnect'),
  problem(404, 'connection_not_found'),
  problem(409, 'connection_exists'),
  problem(412, 'precondition_failed'),
  problem(413, 'payload_too_large'),
])('$status $code says something about the call', async (error) => {
  const { target } = open(error);
  const result = await target.perform({ action: 'delete', name: 'a' }, '"e"', false);
  expect(result).toEqual({ refusal: { code: error.code, message: 'why', errors: [] } });
});

test.each([
  problem(401, 'unauthorized'),
  problem(403, 'forbidden'),
  problem(404, 'unexpected_response'),
  problem(503, 'service_unavailable'),
  problem(0, 'network_error'),
])('$status $code ends the command', async (error) => {
  const { target } = open(error);
  await expect(target.preview({ action: 'delete', name: 'a' })).rejects.toBe(error);
});

test('faults of fields keep their paths', async () => {
  const errors = [{ path: 'scopes.1', message: 'is wrong' }];
  const { target } = open(problem(400, 'invalid_request', { members: { errors } }));
  const result = await target.preview({ action: 'create', name: 'a', body });
  expect(result).toMatchObject({ refusal: { code: 'invalid_request', errors } });
});

test('a call that meets the rate limit of the key is repeated, and the person is told', async () => {
  const limited = problem(429, 'rate_limited', { retryAfter: 0 });
  const { target, calls, waits } = open(limited, limited, { body: 'the preview' });
  expect(await target.preview({ action: 'delete', name: 'a' })).toEqual({ preview: 'the preview', etag: null });
  expect([calls.length, waits]).toEqual([3, [0, 0]]);
});

test('every variable of the service that holds a secret is refused to a file', () => {
  expect(refusedVariables).toEqual(expect.arrayContaining([...secretVariables]));
});
