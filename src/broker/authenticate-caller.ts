import type { ApiKey } from '../domain/api-key.ts';
import { type Caller, permissions } from '../domain/caller.ts';
import { BrokerError } from '../domain/errors.ts';
import type { Tokens } from '../domain/ports/tokens.ts';
import type { Secret } from '../domain/secret.ts';
import { parseApiKey } from './api-key-format.ts';

/** Throws unauthorized. Knows the bootstrap key and stored ones. */
export type AuthenticateCaller = (bearer: Secret) => Promise<Caller>;

export interface AuthenticateCallerDeps {
  /** May answer from a cache that forgets a revoked key at once. */
  findApiKey: (id: string) => Promise<ApiKey | undefined>;
  /** Told of each use, off the path of the request. */
  noteUse: (id: string) => void;
  tokens: Pick<Tokens, 'sha256' | 'equal'>;
  /** Null where there is none. */
  bootstrapKey: Secret | null;
  clock: () => Date;
}

const bootstrapCaller: Caller = {
  id: 'bootstrap',
  name: 'bootstrap',
  permissions,
  organizations: '*',
  global: true,
  connections: null,
};

export function createAuthenticateCaller(deps: AuthenticateCallerDeps): AuthenticateCaller {
  const { findApiKey, noteUse, tokens, bootstrapKey, clock } = deps;
  const bootstrapHash = bootstrapKey === null ? null : tokens.sha256(bootstrapKey.reveal());
  const bootstrapLooksStored = bootstrapKey !== null && parseApiKey(bootstrapKey) !== undefined;
  return async (bearer) => {
    const presented = parseApiKey(bearer);
    // A hash costs every request, and a key of the stored kind can only be the bootstrap key where that is of the kind, too.
    const mayBeBootstrap = presented === undefined || bootstrapLooksStored;
    // Hashes are compared, so that the time taken tells neither the key nor its length.
    if (mayBeBootstrap && bootstrapHash !== null && tokens.equal(tokens.sha256(bearer.reveal()), bootstrapHash)) {
      return bootstrapCaller;
    }
    const key = presented && (await findApiKey(presented.id));
    if (
      presented === undefined ||
      key === undefined ||
      !tokens.equal(tokens.sha256(presented.secret), key.secretHash)
    ) {
      throw unauthorized();
    }
    if (key.revokedAt !== null || (key.expiresAt !== null && key.expiresAt <= clock())) throw unauthorized();
    noteUse(key.id);
    const { name, permissions, organizations, global, connections } = key;
    return { id: `api_key:${key.id}`, name, permissions, organizations, global, connections };
  };
}

/** One answer for every cause: unknown, wrong, revoked and expired look alike. */
function unauthorized(): BrokerError<'unauthorized'> {
  return BrokerError.of('unauthorized', 'The key is not valid.');
}
