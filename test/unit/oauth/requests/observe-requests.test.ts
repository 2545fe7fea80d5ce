import { expect, test } from 'vitest';
import type { ProviderRequestEnd } from '../../../../src/domain/ports/monitoring/observations.ts';
import { observeRequests } from '../../../../src/oauth/requests/observe-requests.ts';
import type { GuardedHttp } from '../../../../src/outbound/guarded-http.ts';
import { refusedBeforeSending, timedOut, unreadable } from '../../../../src/outbound/network-failure.ts';

const request = { method: 'POST', url: 'https://provider.example/token', headers: {}, body: null } as const;
const answer = (status: number) => async () => ({ status, headers: {}, retryAfter: null, body: '' });
const fail = (error: unknown) => () => Promise.reject(error);

test.each([
  ['a token response', answer(200), 'success'],
  ['a redirect', answer(302), 'redirect'],
  ['a refusal', answer(400), 'refused'],
  ['a request to slow down', answer(429), 'throttled'],
  ['a failing server', answer(503), 'server_error'],
  ['a lost answer', fail(timedOut(true)), 'no_answer'],
  ['an answer whose body cannot be read', fail(unreadable(500)), 'server_error'],
  ['a provider that cannot be reached', fail(timedOut(false)), 'not_sent'],
  ['an address that may not be called', fail(refusedBeforeSending('forbidden')), 'not_sent'],
  ['a defect', fail(new Error('defect')), 'not_sent'],
])('%s is reported once by its result', async (_case, send, result) => {
  const ends: ProviderRequestEnd[] = [];
  const observed = observeRequests(
    send as unknown as GuardedHttp['send'],
    { provider: 'slack', kind: 'refresh' },
    (end) => ends.push(end),
  );
  await observed(request, 0).catch(() => undefined);
  expect(ends).toEqual([{ provider: 'slack', kind: 'refresh', result, seconds: expect.any(Number) }]);
});
