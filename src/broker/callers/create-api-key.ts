import { type ApiKey, expiryWithin, privilegesBeyond, rateLimitWithin } from '../../domain/callers/api-key.ts';
import type { Caller, Permission, Trace } from '../../domain/callers/caller.ts';
import { BrokerError, type Fault, invalidRequest } from '../../domain/errors.ts';
import type { ApiKeyStore } from '../../domain/ports/callers.ts';
import type { NewId, Tokens } from '../../domain/ports/tokens.ts';
import type { Secret } from '../../domain/secret.ts';
import { apiKeyEvent } from './api-key-event.ts';
import { apiKeySecretBytes, formatApiKey } from './api-key-format.ts';

export interface NewApiKey {
  name: string;
  permissions: Permission[];
  organizations: string[] | '*';
  global: boolean;
  connections: string[] | null;
  expiresAt: Date | null;
  rateLimitPerMinute: number | null;
}

/**
 * Creates an API key. Only this result holds its secret. Throws invalid_request, and forbidden if the key exceeds its
 * creator. Expiry and rate limit are bounded by those of the
 * creator.
 */
export type CreateApiKey = (caller: Caller, input: NewApiKey, trace: Trace) => Promise<{ apiKey: ApiKey; key: Secret }>;

export interface CreateApiKeyDeps {
  store: Pick<ApiKeyStore, 'insert'>;
  tokens: Pick<Tokens, 'random' | 'sha256'>;
  newId: NewId;
  clock: () => Date;
}

export function createCreateApiKey({ store, tokens, newId, clock }: CreateApiKeyDeps): CreateApiKey {
  return async (caller, input, trace) => {
    const now = clock();
    const expiresAt = expiryWithin(caller, input.expiresAt);
    refuseUseless({ ...input, expiresAt }, now);
    const excess = privilegesBeyond(caller, input);
    if (excess.length > 0) {
      throw BrokerError.of('forbidden', `A key cannot be given more than its maker has: ${excess.join(', ')}.`);
    }
    const secret = tokens.random(apiKeySecretBytes);
    const apiKey: ApiKey = {
      ...input,
      expiresAt,
      rateLimitPerMinute: rateLimitWithin(caller, input.rateLimitPerMinute),
      id: newId(),
      secretHash: tokens.sha256(secret),
      createdBy: caller.id,
      createdAt: now,
      lastUsedAt: null,
      revokedAt: null,
    };
    if (!(await store.insert(apiKey, apiKeyEvent('api_key.created', caller, apiKey, trace, now)))) {
      throw BrokerError.of('unauthorized', 'The key is not valid.');
    }
    return { apiKey, key: formatApiKey(apiKey.id, secret) };
  };
}

function refuseUseless({ organizations, global, expiresAt }: NewApiKey, now: Date): void {
  const faults: Fault[] = [];
  if (organizations.length === 0 && !global) {
    faults.push({ path: 'organizations', message: 'names none, and the key has no right to the global scope either' });
  }
  if (expiresAt !== null && expiresAt <= now) faults.push({ path: 'expires_at', message: 'lies in the past' });
  const [first, ...rest] = faults;
  if (first !== undefined) throw invalidRequest(first, ...rest);
}
