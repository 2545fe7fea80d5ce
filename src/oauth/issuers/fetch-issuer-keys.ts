import type { JSONWebKeySet } from 'jose';
import { z } from 'zod';
import type { TrustedIssuer } from '../../domain/callers/trusted-issuer.ts';
import type { GuardedHttp } from '../../outbound/guarded-http.ts';

/** Reads the current keys of an issuer. Rejects with an error whose message is fit for the log. */
export type FetchIssuerKeys = () => Promise<JSONWebKeySet>;

/** Milliseconds for discovery and keys together. The first token of an issuer waits for both. */
const fetchTimeoutMs = 5_000;
/** Maximum keys of one issuer. Real ones publish fewer than ten; each is parsed and kept. */
const maxKeys = 100;
/** Types of public keys. `oct` is a shared secret, which nothing here may verify with. */
const publicKeyTypes = new Set(['RSA', 'EC', 'OKP']);

const discovery = z.object({ issuer: z.string(), jwks_uri: z.string() });
const keySet = z.object({ keys: z.array(z.unknown()).max(maxKeys) });
const publicKey = z.looseObject({ kty: z.string().refine((kty) => publicKeyTypes.has(kty)) });

export function createFetchIssuerKeys(
  { issuer, jwksUri }: Pick<TrustedIssuer, 'issuer' | 'jwksUri'>,
  http: Pick<GuardedHttp, 'send'>,
): FetchIssuerKeys {
  return async () => {
    const deadline = performance.now() + fetchTimeoutMs;
    const uri = jwksUri ?? (await discoverKeys(http, issuer, deadline));
    const found = keySet.safeParse(await fetchJson(http, uri, deadline));
    if (!found.success) throw new Error('The key set of the issuer is not valid.');
    // Keys of other kinds may stand beside those for signatures (RFC 7517 §5).
    return { keys: found.data.keys.flatMap((key) => publicKey.safeParse(key).data ?? []) };
  };
}

/** Reads `jwks_uri` of the discovery document, which must be the document of this very issuer (Discovery 1.0 §4.3). */
async function discoverKeys(http: Pick<GuardedHttp, 'send'>, issuer: string, deadline: number): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const found = discovery.safeParse(await fetchJson(http, url, deadline));
  if (!found.success) throw new Error('The discovery document of the issuer is not valid.');
  if (found.data.issuer !== issuer) throw new Error('The discovery document names another issuer.');
  return found.data.jwks_uri;
}

async function fetchJson(http: Pick<GuardedHttp, 'send'>, url: string, deadline: number): Promise<unknown> {
  const request = { method: 'GET', url, headers: { accept: 'application/json' }, body: null } as const;
  const { status, body, isComplete } = await http.send(request, deadline);
  if (status !== 200) throw new Error(`The issuer answered with status ${status}.`);
  if (body === null || !isComplete) throw new Error('The issuer sent an answer that cannot be read.');
  try {
    return JSON.parse(body);
  } catch {
    throw new Error('The issuer sent an answer that is no JSON.');
  }
}
