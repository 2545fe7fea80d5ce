import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Caller } from '../../domain/callers/caller.ts';
import { callerOfClaims, type TrustedIssuer } from '../../domain/callers/trusted-issuer.ts';
import type { OnTokenRefused, WorkloadTokens } from '../../domain/ports/workload-tokens.ts';
import type { Secret } from '../../domain/secret.ts';
import type { GuardedHttp } from '../../outbound/guarded-http.ts';
import { createFetchIssuerKeys } from './fetch-issuer-keys.ts';
import { createIssuerKeys, type IssuerKeys } from './issuer-keys.ts';
import { readToken } from './read-token.ts';
import { leewaySeconds, verifyToken } from './verify-token.ts';

export interface WorkloadTokensDeps {
  issuers: readonly TrustedIssuer[];
  /** Returns the HTTP client with the rules and the CAs of an issuer. */
  httpFor: (issuer: TrustedIssuer) => Pick<GuardedHttp, 'send'>;
  now: () => Date;
  /** Milliseconds of a clock that never goes back. */
  elapsed?: () => number;
  onRefused: OnTokenRefused;
  onKeysRead: (read: { issuer: string; keys: number }) => void;
  onKeysFailed: (failed: { issuer: string; error: unknown }) => void;
}

/** Verified tokens in memory, about a kilobyte each. Beyond it the least recently used one is verified again. */
const maxVerified = 10_000;

interface Verified {
  caller: Caller;
  keys: IssuerKeys;
  /** Number of the key set that verified the token. A token does not outlast its key. */
  version: number;
  /** Milliseconds since the epoch. */
  validUntil: number;
}

export function createWorkloadTokens(deps: WorkloadTokensDeps): WorkloadTokens {
  const { now, elapsed = () => performance.now(), onRefused } = deps;
  const issuers = new Map(deps.issuers.map((trusted) => [trusted.issuer, { trusted, keys: keysOf(trusted) }]));
  /** By the hash of the token: the token itself is a secret. */
  const verified = new LRUCache<string, Verified>({ max: maxVerified });

  function keysOf(trusted: TrustedIssuer): IssuerKeys {
    const { issuer } = trusted;
    return createIssuerKeys({
      fetchKeys: createFetchIssuerKeys(trusted, deps.httpFor(trusted)),
      elapsed,
      onRead: (keys) => deps.onKeysRead({ issuer, keys }),
      onFailure: (error) => deps.onKeysFailed({ issuer, error }),
    });
  }

  return {
    recall(bearer) {
      if (issuers.size === 0) return undefined;
      const hash = hashOf(bearer);
      const found = verified.get(hash);
      if (found === undefined) return undefined;
      if (found.validUntil > now().getTime() && found.version === found.keys.freshVersion()) return found.caller;
      verified.delete(hash);
      return undefined;
    },

    async verify(bearer) {
      if (issuers.size === 0) return undefined;
      const text = bearer.reveal();
      const token = readToken(text);
      const iss = token?.claims.iss;
      const found = typeof iss === 'string' ? issuers.get(iss) : undefined;
      if (token === undefined || found === undefined) return undefined;
      const { trusted, keys } = found;
      const refused = (reason: Parameters<OnTokenRefused>[0]['reason'], subject: string | null = null) => {
        onRefused({ issuer: trusted.issuer, reason, subject });
        return undefined;
      };
      const check = await verifyToken(text, token, trusted, { keys, now: now() });
      if ('refusal' in check) return refused(check.refusal);
      const { subject, expiresAt } = check.verified;
      const caller = callerOfClaims(trusted, check.verified);
      if (caller === undefined) return refused('no_rule', subject);
      const validUntil = expiresAt.getTime() + leewaySeconds * 1000;
      verified.set(hashOf(bearer), { caller, keys, version: check.version, validUntil });
      return caller;
    },
  };
}

function hashOf(bearer: Secret): string {
  return createHash('sha256').update(bearer.reveal()).digest('base64');
}
