import { generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Issuer, makeKey, startIssuer } from '../support/issuer/issuer.ts';
import { openWorkload, trusting } from '../support/issuer/workload-fixture.ts';

const minuteMs = 60_000;

let issuer: Issuer;
let workload: ReturnType<typeof openWorkload>;
beforeEach(async () => {
  issuer = await startIssuer();
  workload = openWorkload(trusting(issuer));
});
afterEach(async () => {
  await workload.close();
  await issuer.close();
});

const sign = (claims: Record<string, unknown> = {}, options: { header?: object } = {}) =>
  issuer.sign({ exp: Math.floor(workload.now().getTime() / 1000) + 48 * 3600, ...claims }, options);

describe('reading the keys of an issuer', () => {
  test('1,000 made-up key ids cause one read, also while the issuer is down', async () => {
    expect(await workload.outcome(await sign())).toBe('accepted');
    const forged = await Promise.all(
      Array.from({ length: 1000 }, (_, at) => sign({}, { header: { kid: `made-up-${at}` } })),
    );
    workload.pass(minuteMs);
    await Promise.all(forged.map((token) => workload.verify(token)));
    for (const token of forged.slice(0, 50)) await workload.verify(token);
    expect(issuer.reads()).toBe(2);
    issuer.state.outage = 'failing';
    workload.pass(minuteMs);
    for (const token of forged.slice(0, 50)) await workload.verify(token);
    expect(workload.failures).toHaveLength(1);
    expect(await workload.outcome(await sign())).toBe('accepted');
  });

  test('the first tokens share one read, and a process that verifies none reads nothing', async () => {
    expect(issuer.requests).toEqual([]);
    const tokens = await Promise.all(Array.from({ length: 20 }, (_, at) => sign({ sub: `job-${at}` })));
    expect((await Promise.all(tokens.map((token) => workload.verify(token)))).every(Boolean)).toBe(true);
    expect(issuer.requests).toEqual(['/.well-known/openid-configuration', '/keys']);
  });

  test('jwks_uri replaces the discovery document', async () => {
    const direct = openWorkload(trusting(issuer, { jwksUri: `${issuer.origin}/keys` }));
    expect(await direct.outcome(await sign())).toBe('accepted');
    expect(issuer.requests).toEqual(['/keys']);
    await direct.close();
  });

  test('an issuer with a trailing slash is compared with it, and found without a double slash', async () => {
    const slashed = await startIssuer({ suffix: '/' });
    const own = openWorkload(trusting(slashed));
    expect(await own.outcome(await slashed.sign())).toBe('accepted');
    expect(await own.outcome(await slashed.sign({ iss: slashed.origin }))).toBe('ignored');
    expect(slashed.requests[0]).toBe('/.well-known/openid-configuration');
    await own.close();
    await slashed.close();
  });
});

describe('rotation of keys', () => {
  test('a token of a new key is accepted at once, after the cool-down of an earlier read', async () => {
    await workload.verify(await sign());
    await issuer.rotate();
    workload.pass(30_000);
    expect(await workload.outcome(await sign())).toBe('accepted');
  });

  test('a retired key is forgotten with the next read, also for a token that was verified before', async () => {
    const token = await sign();
    expect(await workload.outcome(token)).toBe('accepted');
    expect(workload.recall(token)).toBeDefined();
    await issuer.rotate();
    workload.pass(30_000);
    await workload.verify(await sign());
    expect(workload.recall(token)).toBeUndefined();
    expect(await workload.outcome(token)).toBe('unknown_key');
  });

  test('a token in use is refused ten minutes after its key was retired, at the latest', async () => {
    const token = await sign();
    await workload.verify(token);
    await issuer.rotate();
    workload.pass(10 * minuteMs);
    expect(workload.recall(token)).toBeUndefined();
    expect(await workload.outcome(token)).toBe('unknown_key');
  });

  test('a busy token has its keys read in the background, and is never verified again while they stay', async () => {
    const token = await sign();
    await workload.verify(token);
    for (let round = 2; round < 6; round++) {
      workload.pass(5 * minuteMs);
      expect(workload.recall(token)).toBeDefined();
      await expect.poll(() => issuer.reads()).toBe(round);
      await expect.poll(() => workload.recall(token) !== undefined && issuer.reads()).toBe(round);
    }
    expect(workload.keysRead).toEqual([1]);
  });

  test('a remembered token is forgotten at its expiry', async () => {
    const token = await issuer.sign();
    await workload.verify(token);
    workload.pass(4 * minuteMs);
    expect(workload.recall(token)).toBeDefined();
    workload.pass(7 * minuteMs);
    expect(workload.recall(token)).toBeUndefined();
    expect(await workload.outcome(token)).toBe('expired');
  });
});

describe('an issuer that is down', () => {
  test.each(['failing', 'hanging'] as const)(
    '(%s) its keys are used for 24 hours, then its tokens get 503',
    async (outage) => {
      const token = await sign();
      await workload.verify(token);
      issuer.state.outage = outage;
      workload.pass(11 * minuteMs);
      expect(await workload.outcome(token)).toBe('accepted');
      workload.pass(23 * 60 * minuteMs);
      expect(await workload.outcome(token)).toBe('accepted');
      workload.pass(60 * minuteMs);
      const unavailable = { code: 'service_unavailable', details: { retry_after: 30 } };
      await expect(workload.verify(token)).rejects.toMatchObject(unavailable);
      issuer.state.outage = 'none';
      workload.pass(minuteMs);
      expect(await workload.outcome(token)).toBe('accepted');
    },
    60_000,
  );

  test('a process without keys answers 503 and tries again after the cool-down', async () => {
    issuer.state.outage = 'failing';
    const token = await sign();
    for (const _ of [1, 2, 3])
      await expect(workload.verify(token)).rejects.toMatchObject({ code: 'service_unavailable' });
    expect(issuer.requests).toHaveLength(1);
    issuer.state.outage = 'none';
    workload.pass(30_000);
    expect(await workload.outcome(token)).toBe('accepted');
  });
});

describe('hostile documents of an issuer', () => {
  const large = 'x'.repeat(300_000);
  test.each<[string, () => void]>([
    [
      'a discovery document of another issuer',
      () => discovery({ issuer: 'https://evil.example', jwks_uri: `${issuer.origin}/keys` }),
    ],
    [
      'a discovery document with another slash',
      () => discovery({ issuer: `${issuer.issuer}/`, jwks_uri: `${issuer.origin}/keys` }),
    ],
    ['keys in a file', () => discovery({ issuer: issuer.issuer, jwks_uri: 'file:///etc/passwd' })],
    [
      'keys on a public address over http',
      () => discovery({ issuer: issuer.issuer, jwks_uri: 'http://192.0.2.1/keys' }),
    ],
    [
      'keys on the metadata address',
      () => discovery({ issuer: issuer.issuer, jwks_uri: 'http://169.254.169.254/keys' }),
    ],
    ['a redirect', () => keySet({ status: 302, headers: { location: '/other' }, body: '' })],
    ['a page', () => keySet({ body: '<html>' })],
    ['no list of keys', () => keySet({ body: { keys: {} } })],
    ['more keys than an issuer has', () => keySet({ body: { keys: Array(101).fill({ kty: 'EC' }) } })],
    ['a key set beyond the limit of a body', () => keySet({ body: { keys: [], large } })],
  ])('%s is not used', async (_name, prepare) => {
    prepare();
    await expect(workload.verify(await sign())).rejects.toMatchObject({ code: 'service_unavailable' });
    expect(workload.failures).toHaveLength(1);
    expect(issuer.requests).not.toContain('/other');
  });
  const discovery = (body: object) => Object.assign(issuer.state, { discovery: { body } });
  const keySet = (answer: object) => Object.assign(issuer.state, { keySet: answer });

  test('an issuer on a private address is not reached unless its entry allows it', async () => {
    const strict = openWorkload(trusting(issuer, { allowPrivateNetwork: false }));
    await expect(strict.verify(await sign())).rejects.toMatchObject({ code: 'service_unavailable' });
    expect(issuer.requests).toEqual([]);
    await strict.close();
  });

  test('keys that cannot verify anything are refused one by one, beside a good one', async () => {
    const [good] = issuer.state.keys;
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
    const bad = [
      null,
      7,
      { kty: 'oct', k: 'c2VjcmV0', kid: 'shared' },
      { ...weak, kid: 'weak', alg: 'RS256' },
      { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA', kid: 'broken', alg: 'ES256' },
      { ...good?.jwk, kid: 'encryption', use: 'enc' },
      { ...good?.jwk, kid: 'twice' },
      { ...good?.jwk, kid: 'twice' },
    ];
    issuer.state.keySet = { body: { keys: [...bad, good?.jwk] } };
    expect(await workload.outcome(await sign())).toBe('accepted');
    for (const kid of ['shared', 'broken', 'encryption', 'twice']) {
      expect(await workload.outcome(await sign({}, { header: { kid } })), kid).toBe('unknown_key');
    }
    expect(await workload.outcome(await sign({}, { header: { kid: undefined } }))).toBe('unknown_key');
    const rsa = await makeKey('RS256', 'weak');
    expect(await workload.outcome(await issuer.sign({}, { key: rsa }))).toBe('unknown_key');
  });
});
