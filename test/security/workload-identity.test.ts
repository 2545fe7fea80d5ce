import { createHmac } from 'node:crypto';
import {
  base64url,
  CompactSign,
  exportSPKI,
  generateKeyPair,
  importJWK,
  type CryptoKey as KeyLike,
  SignJWT,
} from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Issuer, makeKey, startIssuer } from '../support/issuer/issuer.ts';
import { openWorkload, trusting } from '../support/issuer/workload-fixture.ts';

let issuer: Issuer;
let other: Issuer;
let workload: ReturnType<typeof openWorkload>;
beforeAll(async () => {
  issuer = await startIssuer();
  other = await startIssuer();
  workload = openWorkload(trusting(issuer), trusting(other));
});
afterAll(async () => {
  await workload?.close();
  await Promise.all([issuer?.close(), other?.close()]);
});

const json = (value: unknown) => base64url.encode(typeof value === 'string' ? value : JSON.stringify(value));
const seconds = () => Math.floor(workload.now().getTime() / 1000);
const claims = () => ({ iss: issuer.issuer, aud: 'broker', sub: 'job', exp: seconds() + 600 });

/** Signs these very texts with the issuer's key. */
async function signRaw(header: string, payload: string): Promise<string> {
  const [key] = issuer.state.keys;
  if (key === undefined) throw new Error('the issuer has no key');
  const input = `${base64url.encode(header)}.${base64url.encode(payload)}`;
  const signature = await crypto.subtle.sign(
    { name: 'ECDSA', hash: 'SHA-256' },
    key.privateKey,
    new TextEncoder().encode(input),
  );
  return `${input}.${base64url.encode(new Uint8Array(signature))}`;
}
const rawHeader = (more = '') => `{"alg":"ES256","kid":"${issuer.state.keys[0]?.kid}"${more}}`;

test('a token of the issuer authenticates its workload, with the rights of the rule and the expiry of the token', async () => {
  const exp = seconds() + 300;
  expect(await workload.verify(await issuer.sign({ exp, sub: 'job:7' }))).toEqual({
    id: `workload:${issuer.issuer}#job:7`,
    name: 'job:7',
    permissions: ['credentials:read'],
    organizations: ['acme'],
    global: false,
    connections: ['crm-*'],
    expiresAt: new Date(exp * 1000),
    rateLimitPerMinute: null,
  });
});

describe('forged signatures', () => {
  const forgeries: [threat: string, forge: () => Promise<string>, reason: string][] = [
    ['alg none without a signature', async () => `${json({ alg: 'none' })}.${json(claims())}.`, 'ignored'],
    ['alg none with a signature', async () => `${json({ alg: 'none' })}.${json(claims())}.AAAA`, 'algorithm'],
    ['alg NONE', async () => `${json({ alg: 'NONE' })}.${json(claims())}.AAAA`, 'algorithm'],
    [
      'HS256 with the public key as the secret',
      async () => {
        const [key] = issuer.state.keys;
        const publicKey = (await importJWK(key?.jwk ?? {}, 'ES256', { extractable: true })) as KeyLike;
        const input = `${json({ alg: 'HS256', kid: key?.kid })}.${json(claims())}`;
        const signature = createHmac('sha256', await exportSPKI(publicKey))
          .update(input)
          .digest('base64url');
        return `${input}.${signature}`;
      },
      'algorithm',
    ],
    [
      'a key of its own under the kid of the issuer',
      async () => issuer.sign({}, { key: await impostor() }),
      'signature',
    ],
    [
      'a key of its own in the header (jwk)',
      async () => {
        const key = await makeKey();
        return issuer.sign({}, { key, header: { kid: issuer.state.keys[0]?.kid, jwk: key.jwk } });
      },
      'signature',
    ],
    [
      'addresses of its own keys in the header (jku, x5u)',
      async () => {
        const key = await makeKey();
        return issuer.sign({}, { key, header: { jku: `${other.origin}/keys`, x5u: `${other.origin}/x5u` } });
      },
      'unknown_key',
    ],
    [
      'a key of another trusted issuer',
      async () => issuer.sign({}, other.state.keys[0] ? { key: other.state.keys[0] } : {}),
      'unknown_key',
    ],
    [
      'a changed claim',
      async () => {
        const [header, , signature] = (await issuer.sign()).split('.');
        return `${header}.${json({ ...claims(), sub: 'job-admin' })}.${signature}`;
      },
      'signature',
    ],
    [
      'a token of another issuer that calls itself this one',
      async () => other.sign({ iss: issuer.issuer }),
      'unknown_key',
    ],
    [
      'an RSA signature under the kid of an EC key',
      async () => {
        const { privateKey } = await generateKeyPair('RS256');
        return new SignJWT(claims())
          .setProtectedHeader({ alg: 'RS256', kid: issuer.state.keys[0]?.kid ?? '' })
          .sign(privateKey);
      },
      'unknown_key',
    ],
  ];
  const impostor = async () => makeKey('ES256', issuer.state.keys[0]?.kid);

  test.each(forgeries)('%s is refused', async (_threat, forge, reason) => {
    const before = other.requests.length;
    expect(await workload.outcome(await forge())).toBe(reason);
    expect(other.requests.length).toBe(before);
  });
});

describe('issuer, audience and times', () => {
  const cases: [name: string, change: () => Record<string, unknown>, outcome: string][] = [
    ['an unknown issuer', () => ({ iss: 'https://evil.example' }), 'ignored'],
    ['the issuer with a trailing slash', () => ({ iss: `${issuer.issuer}/` }), 'ignored'],
    ['the issuer in upper case', () => ({ iss: issuer.issuer.toUpperCase() }), 'ignored'],
    ['a list of issuers', () => ({ iss: [issuer.issuer] }), 'ignored'],
    ['no issuer', () => ({ iss: undefined }), 'ignored'],
    ['the audience in a list', () => ({ aud: ['elsewhere', 'broker'] }), 'accepted'],
    ['no audience', () => ({ aud: undefined }), 'audience'],
    ['a foreign audience', () => ({ aud: 'elsewhere' }), 'audience'],
    ['an audience that only contains ours', () => ({ aud: 'broker.evil' }), 'audience'],
    ['an empty list of audiences', () => ({ aud: [] }), 'audience'],
    ['an audience of another type', () => ({ aud: { broker: true } }), 'audience'],
    ['no expiry', () => ({ exp: undefined }), 'malformed'],
    ['an expiry as text', () => ({ exp: String(seconds() + 600) }), 'malformed'],
    ['an expiry beyond every calendar', () => ({ exp: 1e300 }), 'malformed'],
    ['expired within the leeway', () => ({ exp: seconds() - 20 }), 'accepted'],
    ['expired beyond the leeway', () => ({ exp: seconds() - 31 }), 'expired'],
    ['valid from now on, within the leeway', () => ({ nbf: seconds() + 20 }), 'accepted'],
    ['valid later', () => ({ nbf: seconds() + 60 }), 'not_yet_valid'],
    ['a start as text', () => ({ nbf: 'now' }), 'malformed'],
    ['issued in the future', () => ({ iat: seconds() + 60 }), 'not_yet_valid'],
    ['a time of issue as text', () => ({ iat: 'now' }), 'malformed'],
    ['no time of issue', () => ({ iat: undefined }), 'accepted'],
    ['no subject', () => ({ sub: undefined }), 'malformed'],
    ['an empty subject', () => ({ sub: '' }), 'malformed'],
    ['a number as subject', () => ({ sub: 7 }), 'malformed'],
    ['a subject with a line end', () => ({ sub: 'job\nadmin' }), 'malformed'],
    ['a subject that reverses text', () => ({ sub: 'job\u202eadmin' }), 'malformed'],
    ['a subject of 256 characters', () => ({ sub: 'job'.padEnd(256, 'x') }), 'malformed'],
    ['a subject that no rule names', () => ({ sub: 'person' }), 'no_rule'],
  ];
  test.each(cases)('%s', async (_name, change, outcome) => {
    expect(await workload.outcome(await issuer.sign(change(), { now: workload.now() }))).toBe(outcome);
  });

  test('the subject is reported only once the signature is verified', async () => {
    await workload.outcome(await issuer.sign({ sub: 'person' }));
    expect(workload.refusals).toEqual([{ reason: 'no_rule', subject: 'person' }]);
    await workload.outcome(await issuer.sign({ sub: 'person', exp: 1 }));
    expect(workload.refusals).toEqual([{ reason: 'expired', subject: null }]);
  });
});

describe('tokens that parsers read differently', () => {
  const body = () => JSON.stringify(claims());
  const cases: [name: string, make: () => Promise<string>, outcome: string][] = [
    ['plain', () => signRaw(rawHeader(), body()), 'accepted'],
    ['the type JWT', () => signRaw(rawHeader(',"typ":"JWT"'), body()), 'accepted'],
    ['the type of an access token', () => signRaw(rawHeader(',"typ":"application/at+jwt"'), body()), 'accepted'],
    ['the type of another purpose', () => signRaw(rawHeader(',"typ":"logout+jwt"'), body()), 'malformed'],
    ['a type of another kind', () => signRaw(rawHeader(',"typ":1'), body()), 'malformed'],
    ['a critical extension', () => signRaw(rawHeader(',"crit":["exp"],"exp":1'), body()), 'malformed'],
    ['an empty list of extensions', () => signRaw(rawHeader(',"crit":[]'), body()), 'malformed'],
    ['an unencoded payload', () => signRaw(rawHeader(',"crit":["b64"],"b64":false'), body()), 'malformed'],
    ['a nested token', async () => signRaw(rawHeader(',"cty":"JWT"'), await issuer.sign()), 'ignored'],
    ['a nested token with claims', () => signRaw(rawHeader(',"cty":"JWT"'), body()), 'malformed'],
    ['a key id of another type', () => signRaw(rawHeader().replace(/"kid":"[^"]*"/, '"kid":7'), body()), 'malformed'],
    ['a repeated claim', () => signRaw(rawHeader(), body().replace('{', '{"sub":"job-1",')), 'ignored'],
    [
      'a claim repeated by an escape',
      () => signRaw(rawHeader(), body().replace('{', '{"s\\u0075b":"job-1",')),
      'ignored',
    ],
    ['a repeated member of a claim', () => signRaw(rawHeader(), body().replace('{', '{"a":{"b":1,"b":2},')), 'ignored'],
    ['a repeated header', () => signRaw(rawHeader(',"alg":"ES256"'), body()), 'ignored'],
    ['claims in a list', () => signRaw(rawHeader(), `[${body()}]`), 'ignored'],
    ['claims that are no JSON', () => signRaw(rawHeader(), 'sub=job'), 'ignored'],
    ['claims followed by others', () => signRaw(rawHeader(), body() + body()), 'ignored'],
    [
      'members of every object as claims',
      () => signRaw(rawHeader(), body().replace('{', '{"__proto__":{"sub":"x"},')),
      'accepted',
    ],
    [
      'a token longer than 8 KB',
      () => signRaw(rawHeader(), body().replace('{', `{"x":"${'x'.repeat(8192)}",`)),
      'ignored',
    ],
    ['deep nesting', () => signRaw(rawHeader(), `{"x":${'['.repeat(5000)}`), 'ignored'],
    ['four parts', async () => `${await issuer.sign()}.AAAA`, 'ignored'],
    ['five parts, as encrypted tokens have', async () => `${await issuer.sign()}.AAAA.AAAA`, 'ignored'],
    ['a signature in base64 with padding', async () => `${await issuer.sign()}==`, 'ignored'],
    ['a space in the token', async () => (await issuer.sign()).replace('.', ' .'), 'ignored'],
  ];
  test.each(cases)('%s', async (_name, make, outcome) => {
    expect(await workload.outcome(await make())).toBe(outcome);
  });

  test('bytes that are no UTF-8 are no claims', async () => {
    const [key] = issuer.state.keys;
    const bytes = Buffer.concat([Buffer.from('{"sub":"'), Buffer.from([0xff]), Buffer.from('"}')]);
    const sign = new CompactSign(bytes).setProtectedHeader({ alg: 'ES256', kid: key?.kid ?? '' });
    if (key === undefined) throw new Error('the issuer has no key');
    expect(await workload.outcome(await sign.sign(key.privateKey))).toBe('ignored');
  });
});

describe('algorithms', () => {
  test.each(['RS256', 'PS384', 'ES384', 'ES512', 'EdDSA'])(
    '%s is accepted, and refused where the issuer may not use it',
    async (alg) => {
      const own = await startIssuer();
      await own.rotate(alg);
      const [free, narrow] = [openWorkload(trusting(own)), openWorkload(trusting(own, { algorithms: ['ES256'] }))];
      const token = await own.sign();
      expect([await free.outcome(token), await narrow.outcome(token)]).toEqual(['accepted', 'algorithm']);
      await Promise.all([free.close(), narrow.close(), own.close()]);
    },
  );
});
