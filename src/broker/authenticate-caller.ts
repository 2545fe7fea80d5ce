import type { ApiKey } from '../domain/api-key.ts';
import { type Caller, permissions } from '../domain/caller.ts';
import { BrokerError } from '../domain/errors.ts';
import type { Tokens } from '../domain/ports/tokens.ts';
import type { Secret } from '../domain/secret.ts';
import { parseApiKey } from './api-key-format.ts';
import { createRecognizeApiKey } from './recognize-api-key.ts';

/** Knows the bootstrap key and stored ones; answers at once where nothing has to be read. Throws, or rejects with, unauthorized. */
export type AuthenticateCaller = (bearer: Secret) => Caller | Promise<Caller>;

export interface AuthenticateCallerDeps {
  findApiKey: (id: string) => Promise<ApiKey | undefined>;
  /** From memory, which forgets a revoked key at once: the same object for as long as it is kept there. */
  recallApiKey: (id: string) => ApiKey | undefined;
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
  const { findApiKey, recallApiKey, noteUse, tokens, bootstrapKey, clock } = deps;
  const recognize = createRecognizeApiKey(tokens);
  const bootstrapHash = bootstrapKey === null ? null : tokens.sha256(bootstrapKey.reveal());
  const bootstrapLooksStored = bootstrapKey !== null && parseApiKey(bootstrapKey) !== undefined;

  // Hashes are compared, so that the time taken tells neither the key nor its length.
  const isBootstrap = (bearer: Secret) =>
    bootstrapHash !== null && tokens.equal(tokens.sha256(bearer.reveal()), bootstrapHash);

  function admit(key: ApiKey | undefined, secret: string, isKept: boolean): Caller {
    const caller = key && recognize(key, secret, isKept);
    if (key === undefined || caller === undefined) throw unauthorized();
    if (key.revokedAt !== null || (key.expiresAt !== null && key.expiresAt <= clock())) throw unauthorized();
    noteUse(key.id);
    return caller;
  }

  return (bearer) => {
    const presented = parseApiKey(bearer);
    // A hash costs every request, and a key of the stored kind can only be the bootstrap key where that is of the kind, too.
    const mayBeBootstrap = presented === undefined || bootstrapLooksStored;
    if (mayBeBootstrap && isBootstrap(bearer)) return bootstrapCaller;
    if (presented === undefined) throw unauthorized();
    const { id, secret } = presented;
    const kept = recallApiKey(id);
    return kept === undefined ? findApiKey(id).then((key) => admit(key, secret, false)) : admit(kept, secret, true);
  };
}

/** One answer for every cause: unknown, wrong, revoked and expired look alike. */
function unauthorized(): BrokerError<'unauthorized'> {
  return BrokerError.of('unauthorized', 'The key is not valid.');
}
