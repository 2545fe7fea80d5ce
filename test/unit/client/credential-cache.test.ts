import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { readSelection, selectionKey } from '../../../src/client/credentials/selection.ts';
import { createTokenBroker } from '../../../src/client/token-broker.ts';
import {
  breakConnection,
  createFetchDouble,
  credentialOf,
  type FetchReply,
  hang,
  refuse,
  respond,
  serve,
} from '../../support/client/fetch-double.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function open(...replies: [FetchReply, ...FetchReply[]]) {
  const double = createFetchDouble(...replies);
  const broker = createTokenBroker({ url: 'https://b.example', key: 'k', fetch: double.fetch, retries: 0 });
  return { broker, double, calls: double.calls, token: async () => (await broker.credential('crm')).access_token };
}
const pass = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1000);

describe('a token is served from memory until it expires softly', () => {
  test.each([
    // Lifetime, and the margin: 60 s, or 10 % of a lifetime below ten minutes.
    [3600, 60],
    [86_400, 60],
    [600, 60],
    [300, 30],
    [10, 1],
  ])('of a token that lives %i s, %i s before its end', async (lifetime, margin) => {
    const { token, calls } = open(serve(lifetime));
    const first = await token();
    await pass(lifetime - margin - 0.001);
    expect(await token()).toBe(first);
    expect(calls).toHaveLength(1);
    await pass(0.001);
    expect(await token()).not.toBe(first);
    expect(calls).toHaveLength(2);
  });

  test('a token without a known expiry is kept for a minute', async () => {
    const { token, calls } = open(serve(null));
    await token();
    await pass(59);
    await token();
    expect(calls).toHaveLength(1);
    await pass(1);
    await token();
    expect(calls).toHaveLength(2);
  });

  test('a token is not served with less than minTtl left', async () => {
    const { broker, calls } = open(serve(3600));
    await broker.credential('crm', { minTtl: 600 });
    await pass(2999);
    await broker.credential('crm', { minTtl: 600 });
    expect(calls).toHaveLength(1);
    await pass(1);
    await broker.credential('crm', { minTtl: 600 });
    expect(calls).toHaveLength(2);
  });

  test('a caller that changes its credential does not change that of others', async () => {
    const { broker } = open(serve(3600));
    const [one, two] = await Promise.all([broker.credential('crm'), broker.credential('crm')]);
    one.access_token = 'changed';
    one.extra.changed = true;
    expect(two.access_token).not.toBe('changed');
    expect(await broker.credential('crm')).toEqual(two);
  });
});

describe('every option that selects has a token of its own', () => {
  const options = fc.record(
    {
      subject: fc.constantFrom('a', 'b', 'null'),
      accountId: fc.constantFrom('a', 'b'),
      minTtl: fc.constantFrom(0, 60),
      scopes: fc.constantFrom([], ['a'], ['a', 'b'], ['a,b']),
      workflow: fc.constantFrom('a', 'b'),
    },
    { requiredKeys: [] },
  );
  const call = fc.record({
    organization: fc.constantFrom(undefined, 'a', 'b'),
    name: fc.constantFrom('a', 'b'),
    options,
  });
  /** The call as plain data, with defaults filled in: two calls select the same exactly if these are equal. */
  const meaning = ({ organization, name, options }: typeof call extends fc.Arbitrary<infer C> ? C : never) => ({
    ...{ organization, name, minTtl: 0, scopes: [], subject: undefined, accountId: undefined, workflow: undefined },
    ...options,
  });

  test('two calls share a key exactly if they select the same', () => {
    fc.assert(
      fc.property(call, call, (one, other) => {
        const keyOf = ({ organization, name, options }: typeof one) =>
          selectionKey(organization, readSelection(name, options));
        const isSame =
          JSON.stringify(Object.entries(meaning(one)).toSorted()) ===
          JSON.stringify(Object.entries(meaning(other)).toSorted());
        expect(keyOf(one) === keyOf(other)).toBe(isSame);
      }),
      { numRuns: 2000 },
    );
  });

  test('the order of scopes, repeated ones, and the name of a workflow select nothing', () => {
    const keyOf = (given: Parameters<typeof readSelection>[1]) => selectionKey(undefined, readSelection('crm', given));
    expect(keyOf({ scopes: ['b', 'a', 'b'] })).toBe(keyOf({ scopes: ['a', 'b'] }));
    expect(keyOf({ workflow: { id: 'w', name: 'One' } })).toBe(keyOf({ workflow: 'w' }));
    expect(keyOf({ subject: null })).toBe(keyOf({}));
  });

  test.each([{ subjet: 'ada' }, { account_id: '7' }, { min_ttl: 60 }])(
    'an unknown option is refused: %j',
    async (given) => {
      const { broker, calls } = open(serve(3600));
      await expect(broker.credential('crm', given as object)).rejects.toThrow(TypeError);
      expect(calls).toEqual([]);
    },
  );

  test.each([{ subject: '' }, { accountId: '' }, { minTtl: -1 }, { minTtl: 1.5 }])(
    'a lost value is refused: %j',
    async (given) => {
      const { broker, calls } = open(serve(3600));
      await expect(broker.credential('crm', given)).rejects.toThrow(TypeError);
      expect(calls).toEqual([]);
    },
  );

  test('clients of withOptions share tokens of the same organisation, and none with another key', async () => {
    const { broker, calls } = open(serve(3600));
    await broker.credential('crm');
    const acme = broker.withOptions({ organization: 'acme' });
    await acme.credential('crm');
    expect(calls.map(({ headers }) => headers.get('x-organization-id'))).toEqual([null, 'acme']);
    await acme.withOptions({ timeoutMs: 5 }).credential('crm');
    await broker.withOptions({ organization: 'acme' }).credential('crm');
    await acme.withOptions({ organization: undefined }).credential('crm');
    expect(calls).toHaveLength(2);
    await broker.withOptions({ key: 'other' }).credential('crm');
    await broker.withOptions({ url: 'https://other.example' }).credential('crm');
    expect(calls).toHaveLength(4);
  });
});

describe('one fetch at a time', () => {
  test('100 parallel calls make one request', async () => {
    const { broker, calls } = open(serve(3600));
    const found = await Promise.all(Array.from({ length: 100 }, () => broker.credential('crm')));
    expect(calls).toHaveLength(1);
    expect(new Set(found.map(({ access_token }) => access_token)).size).toBe(1);
  });

  test('a failure reaches all who wait, and the next call tries again', async () => {
    const { broker, calls } = open(refuse(404, 'connection_not_found'), serve(3600));
    const ended = await Promise.allSettled([broker.credential('crm'), broker.credential('crm')]);
    expect(ended.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(calls).toHaveLength(1);
    await broker.credential('crm');
    expect(calls).toHaveLength(2);
  });

  test('a caller that leaves ends its own waiting only', async () => {
    let answer: (response: Response) => void = () => {};
    const { broker, calls } = open(
      () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    );
    const leaving = new AbortController();
    const left = broker.credential('crm', { signal: leaving.signal }).catch((error: unknown) => error);
    const staying = broker.credential('crm');
    await vi.waitFor(() => expect(calls).toHaveLength(1));
    leaving.abort(new Error('left'));
    expect(await left).toEqual(new Error('left'));
    answer(Response.json(credentialOf(3600, { access_token: 'late' })));
    expect((await staying).access_token).toBe('late');
    expect(calls).toHaveLength(1);
  });

  test('a signal that has aborted makes no call', async () => {
    const { broker, calls } = open(serve(3600));
    await expect(broker.credential('crm', { signal: AbortSignal.abort(new Error('gone')) })).rejects.toThrow('gone');
    expect(calls).toEqual([]);
  });
});

describe('a refetch that fails', () => {
  test.each<[string, FetchReply]>([
    ['because the broker is out of reach', breakConnection],
    ['because the broker does not answer', hang],
    ['with 503 of the provider', refuse(503, 'provider_unavailable', {}, { 'retry-after': '60' })],
    ['with 429', refuse(429, 'rate_limited', {}, { 'retry-after': '60' })],
    ['with 500', refuse(500, 'internal_error')],
    ['with a page of a gateway', () => new Response('<html>', { status: 502 })],
  ])('%s serves the token that still lives, and after its end the error', async (_, failure) => {
    const { broker, double, token } = open(serve(3600));
    const first = await token();
    await pass(3545);
    double.script(failure);
    const served = token();
    await pass(11);
    expect(await served).toBe(first);
    await pass(60);
    const ended = broker.credential('crm').catch((error: unknown) => error);
    await pass(11);
    expect(await ended).toBeInstanceOf(Error);
  });

  test('is not repeated for five seconds', async () => {
    const { double, calls, token } = open(serve(3600));
    await token();
    await pass(3541);
    double.script(breakConnection);
    await token();
    await token();
    await pass(4.9);
    await token();
    expect(calls).toHaveLength(2);
    await pass(0.1);
    await token();
    expect(calls).toHaveLength(3);
  });

  test.each([
    [503, 'connection_not_ready'],
    [404, 'connection_not_found'],
    [404, 'grant_not_found'],
    [403, 'workflow_disabled'],
    [403, 'forbidden'],
    [401, 'unauthorized'],
  ])('with the refusal %i %s is not hidden by the old token', async (status, code) => {
    const { broker, double, token } = open(serve(3600));
    await token();
    await pass(3541);
    double.script(refuse(status, code), breakConnection);
    await expect(broker.credential('crm')).rejects.toMatchObject({ code });
    await expect(broker.credential('crm')).rejects.toMatchObject({ code: 'network_error' });
  });

  test('does not serve a token with less than minTtl left', async () => {
    const { broker, double } = open(serve(3600));
    await broker.credential('crm', { minTtl: 600 });
    await pass(3001);
    double.script(breakConnection);
    await expect(broker.credential('crm', { minTtl: 600 })).rejects.toMatchObject({ code: 'network_error' });
  });
});

test('the memory is bounded: the token that was used longest ago goes first', async () => {
  const { broker, calls } = open((call) => respond(200, credentialOf(3600))(call));
  for (let person = 0; person < 10_000; person++) await broker.credential('crm', { subject: `p${person}` });
  await broker.credential('crm', { subject: 'p0' });
  expect(calls).toHaveLength(10_000);
  await broker.credential('crm', { subject: 'new' });
  await broker.credential('crm', { subject: 'p0' });
  expect(calls).toHaveLength(10_001);
  await broker.credential('crm', { subject: 'p1' });
  expect(calls).toHaveLength(10_002);
});
