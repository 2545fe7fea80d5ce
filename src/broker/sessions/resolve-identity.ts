import { type ApiKey, callerOfKey, isActive } from '../../domain/callers/api-key.ts';
import { bootstrapCaller } from '../../domain/callers/bootstrap.ts';
import type { Caller } from '../../domain/callers/caller.ts';
import { type ConsoleRole, callerOfPerson } from '../../domain/callers/console-role.ts';
import type { Session } from '../../domain/callers/session.ts';
import type { Tokens } from '../../domain/ports/tokens.ts';
import type { Secret } from '../../domain/secret.ts';
import { bootstrapProof } from './bootstrap-proof.ts';

/**
 * Returns the caller that the identity of a session has at present. Undefined if it has lost its rights: the key is
 * revoked, expired or another one, or the role is no longer configured. Throws service_unavailable.
 */
export type ResolveIdentity = (id: Secret, session: Pick<Session, 'identity'>) => Promise<Caller | undefined>;

export interface ResolveIdentityDeps {
  /** Finds a key, in memory if it is there. A revocation reaches the memory of every process. */
  findApiKey: (id: string) => Promise<ApiKey | undefined>;
  /** Records a use of the key without delaying the request. */
  noteUse: (id: string) => void;
  bootstrapKey: Secret | null;
  consoleRoles: readonly ConsoleRole[];
  tokens: Pick<Tokens, 'sha256' | 'sha256Text' | 'equal'>;
  clock: () => Date;
}

export function createResolveIdentity(deps: ResolveIdentityDeps): ResolveIdentity {
  const { findApiKey, noteUse, bootstrapKey, consoleRoles, tokens, clock } = deps;

  async function callerOfStoredKey(id: string): Promise<Caller | undefined> {
    const key = await findApiKey(id);
    if (key === undefined || !isActive(key, clock())) return undefined;
    noteUse(id);
    return callerOfKey(key);
  }

  function isProven(id: Secret, proof: string): boolean {
    if (bootstrapKey === null) return false;
    return tokens.equal(tokens.sha256(bootstrapProof(tokens, id, bootstrapKey)), tokens.sha256(proof));
  }

  return async (id, { identity }) => {
    if (identity.kind === 'api_key') return callerOfStoredKey(identity.id);
    if (identity.kind === 'bootstrap') return isProven(id, identity.proof) ? bootstrapCaller : undefined;
    const role = consoleRoles.find(({ value }) => value === identity.role);
    return role && callerOfPerson(identity, role);
  };
}
