import { type ApiKey, callerOfKey, isActive } from '../../domain/callers/api-key.ts';
import { bootstrapCaller } from '../../domain/callers/bootstrap.ts';
import { type Caller, reachesInstallation } from '../../domain/callers/caller.ts';
import { BrokerError } from '../../domain/errors.ts';
import type { Tokens } from '../../domain/ports/tokens.ts';
import type { WorkloadTokens } from '../../domain/ports/workload-tokens.ts';
import type { Secret } from '../../domain/secret.ts';
import { parseApiKey } from './api-key-format.ts';
import { createRememberedKeys } from './remembered-keys.ts';

/**
 * Recognizes the bootstrap key, stored API keys and tokens of trusted issuers. `mayLookUp` decides whether a key that is
 * not in memory is read from the database, and a token verified. With `needsDatabase: false` a key that was recognised so
 * in the last hour outlasts the database. Throws unauthorized, and service_unavailable.
 */
export type AuthenticateCaller = (bearer: Secret, options?: AuthenticationOptions) => Promise<Caller>;

export interface AuthenticationOptions {
  /** May wait. Called only for a key or token that is not in memory. */
  mayLookUp: () => Promise<boolean>;
  /** Defaults to true. */
  needsDatabase?: boolean;
}

export interface AuthenticateCallerDeps {
  findApiKey: (id: string) => Promise<ApiKey | undefined>;
  /** Returns the key if it is in memory. */
  recallApiKey: (id: string) => ApiKey | undefined;
  /** Records a use of the key without delaying the request. */
  noteUse: (id: string) => void;
  workloadTokens: WorkloadTokens;
  tokens: Pick<Tokens, 'sha256' | 'equal'>;
  /** Null if there is none. */
  bootstrapKey: Secret | null;
  clock: () => Date;
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

export function createAuthenticateCaller(deps: AuthenticateCallerDeps): AuthenticateCaller {
  const { findApiKey, recallApiKey, noteUse, workloadTokens, tokens, bootstrapKey, clock } = deps;
  const remembered = createRememberedKeys(deps);
  const bootstrapHash = bootstrapKey === null ? null : tokens.sha256(bootstrapKey.reveal());

  // Hashes are compared: the time a comparison takes reveals neither the key nor its length.
  const isBootstrap = (bearer: Secret) =>
    bootstrapHash !== null && tokens.equal(tokens.sha256(bearer.reveal()), bootstrapHash);

  async function authenticateWorkload(bearer: Secret, mayLookUp: () => Promise<boolean>): Promise<Caller | undefined> {
    const recalled = workloadTokens.recall(bearer);
    if (recalled !== undefined) return recalled;
    return (await mayLookUp()) ? workloadTokens.verify(bearer) : undefined;
  }

  return async (bearer, { mayLookUp, needsDatabase = true } = { mayLookUp: async () => true }) => {
    const find = needsDatabase ? findApiKey : remembered.find;
    // While this request waited for its turn, another may have brought the key into memory.
    const look = async (id: string) => ((await mayLookUp()) ? find(id) : recallApiKey(id));
    const presented = parseApiKey(bearer);
    const key = presented && (recallApiKey(presented.id) ?? (await look(presented.id)));
    if (key === undefined || !tokens.equal(tokens.sha256(presented?.secret ?? ''), key.secretHash)) {
      if (isBootstrap(bearer)) return bootstrapCaller;
      // Only what is no API key in form can be a token: keys never wait for an issuer.
      const workload = presented === undefined ? await authenticateWorkload(bearer, mayLookUp) : undefined;
      if (workload === undefined) throw unauthorized();
      return workload;
    }
    if (!isActive(key, clock())) throw unauthorized();
    // Keys of one organisation, which no such route accepts, must not make the keys of monitors forgotten.
    if (!needsDatabase && reachesInstallation(key)) remembered.remember(key);
    noteUse(key.id);
    return callerOfKey(key);
  };
}

/** One error for unknown, wrong, revoked and expired keys and tokens: a caller cannot tell them apart. */
function unauthorized(): BrokerError<'unauthorized'> {
  return BrokerError.of('unauthorized', 'The key or token is not valid.');
}
