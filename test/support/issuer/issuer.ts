import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTHeaderParameters, SignJWT } from 'jose';

export interface SigningKey {
  kid: string;
  alg: string;
  privateKey: CryptoKey;
  /** The public key, as the issuer publishes it. */
  jwk: JWK;
}

export interface Answer {
  status?: number;
  headers?: Record<string, string>;
  body: unknown;
}

export type Issuer = Awaited<ReturnType<typeof startIssuer>>;

let made = 0;

export async function makeKey(alg = 'ES256', kid = `key-${++made}`): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

/** Starts an OpenID Connect issuer on loopback: a discovery document and a key set, each as a test wants it. */
export async function startIssuer({ suffix = '' }: { suffix?: string } = {}) {
  const requests: string[] = [];
  const key = await makeKey();
  const state = {
    keys: [key],
    /** hanging: accepts requests and never answers. */
    outage: 'none' as 'none' | 'failing' | 'hanging',
    discovery: undefined as Answer | undefined,
    keySet: undefined as Answer | undefined,
  };
  const server = createServer((request, response) => {
    const { url = '' } = request;
    requests.push(url);
    if (state.outage === 'hanging') return;
    if (state.outage === 'failing') return void response.writeHead(503).end('down');
    const answer = url.endsWith('/.well-known/openid-configuration')
      ? (state.discovery ?? { body: { issuer, jwks_uri: `${origin}/keys` } })
      : (state.keySet ?? { body: { keys: state.keys.map(({ jwk }) => jwk) } });
    response.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers });
    response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const issuer = `${origin}${suffix}`;

  return {
    issuer,
    origin,
    state,
    requests,
    /** Number of times the key set was read. */
    reads: () => requests.filter((url) => url === '/keys').length,
    /** Signs a token that is valid for `broker`, with these changes. A claim that is undefined is left out. */
    async sign(claims: Record<string, unknown> = {}, options: { key?: SigningKey; header?: object; now?: Date } = {}) {
      const { key: signing = state.keys[0] ?? key, header, now = new Date() } = options;
      const seconds = Math.floor(now.getTime() / 1000);
      const payload = { iss: issuer, aud: 'broker', sub: 'job', iat: seconds, exp: seconds + 600, ...claims };
      return new SignJWT(JSON.parse(JSON.stringify(payload)))
        .setProtectedHeader({ alg: signing.alg, kid: signing.kid, ...header } as JWTHeaderParameters)
        .sign(signing.privateKey);
    },
    /** Replaces all keys by a new one, which it returns. */
    async rotate(alg?: string): Promise<SigningKey> {
      const next = await makeKey(alg);
      state.keys = [next];
      return next;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
