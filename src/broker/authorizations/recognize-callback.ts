import type { AuthorizationLookup, AuthorizationWithConnection } from '../../domain/ports/callers.ts';
import type { Tokens } from '../../domain/ports/tokens.ts';
import type { ProviderNameOf } from '../provider-name.ts';
import type { RedirectUriOf } from '../redirect-uri.ts';
import type { CallbackHit } from './callback-hit.ts';
import { errorOfProvider } from './error-of-provider.ts';
import { linkFault, type Refusal, refusal, refusedAuthorization, refusedReturn } from './refusal.ts';

/** Result of checking a callback before its state is consumed. */
export type RecognizedCallback =
  | { kind: 'recognized'; found: AuthorizationWithConnection; state: string; by: CallbackProof }
  /** A callback of the same browser consumed the state before: the same one, or a later one. */
  | { kind: 'answered'; found: AuthorizationWithConnection; isLater: boolean }
  | { kind: 'refused'; refusal: Refusal; found: AuthorizationWithConnection | null };

/** Identifies a callback and its browser. */
export interface CallbackProof {
  browserHash: string;
  callbackHash: string;
}

export type RecognizeCallback = (hit: CallbackHit) => Promise<RecognizedCallback>;

export interface RecognizeCallbackDeps {
  authorizations: Pick<AuthorizationLookup, 'find' | 'findDeleted'>;
  tokens: Pick<Tokens, 'sha256Text'>;
  redirectUriOf: RedirectUriOf;
  providerNameOf: ProviderNameOf;
  clock: () => Date;
}

/** Parameters of flows that the broker does not use. A callback with them tries to leak or to inject tokens. */
const neverInCallback = ['access_token', 'refresh_token', 'id_token'];

/** Checks a callback without consuming its state: a refused request leaves the person's link usable. */
export function createRecognizeCallback(deps: RecognizeCallbackDeps): RecognizeCallback {
  const { authorizations, tokens } = deps;
  return async (hit) => {
    if (isMalformed(hit.parameters)) return { kind: 'refused', refusal: refusal('response_malformed'), found: null };
    const state = hit.parameters.get('state');
    const found = state ? await authorizations.find(tokens.sha256Text(state)) : undefined;
    if (!state || found === undefined)
      return { kind: 'refused', refusal: await refusalOfUnknown(deps, hit), found: null };
    const { connection } = found;
    if (connection.name !== hit.connectionName || connection.organizationId !== hit.organizationId)
      return { kind: 'refused', refusal: refusal('other_connection'), found };
    const { browserHash } = found.authorization;
    if (browserHash === null || !holds(deps, hit, browserHash))
      return { kind: 'refused', refusal: refusal('foreign_browser'), found };
    const fault = faultOf(deps, found);
    if (fault !== undefined) return { kind: 'refused', refusal: fault, found };
    const callbackHash = tokens.sha256Text(canonical(hit.parameters));
    if (found.authorization.status === 'pending')
      return { kind: 'recognized', found, state, by: { browserHash, callbackHash } };
    return { kind: 'answered', found, isLater: found.authorization.callbackHash !== callbackHash };
  };
}

/** Checks whether the browser is the one that opened the link. */
function holds({ tokens }: Pick<RecognizeCallbackDeps, 'tokens'>, hit: CallbackHit, browserHash: string): boolean {
  return hit.browserIds.some((id) => tokens.sha256Text(id) === browserHash);
}

/** Refuses a callback without a known authorization. Its connection may have been deleted since the link was opened. */
async function refusalOfUnknown(deps: RecognizeCallbackDeps, hit: CallbackHit): Promise<Refusal> {
  const { parameters, organizationId, connectionName } = hit;
  const state = parameters.get('state');
  const deleted = state ? await deps.authorizations.findDeleted(deps.tokens.sha256Text(state)) : undefined;
  const isAtItsPath = deleted?.connectionName === connectionName && deleted.connectionOwner === organizationId;
  if (deleted !== undefined && isAtItsPath && holds(deps, hit, deleted.browserHash)) {
    const returnTo = refusedReturn('connection_deleted', deleted, deleted.connectionName);
    return refusal('connection_deleted', { returnTo });
  }
  const providerError = parameters.has('error') ? errorOfProvider(parameters) : null;
  return refusal('authorization_unknown', { providerError });
}

/**
 * Far above any provider's number. Each look-up scans all parameters, and any holder of a link may post a large form.
 */
const maxParameters = 100;

/** Checks the parameters. RFC 6749 §3.1: no parameter may be repeated. */
function isMalformed(parameters: URLSearchParams): boolean {
  if (parameters.size > maxParameters) return true;
  const names = [...parameters.keys()];
  if (new Set(names).size !== names.length) return true;
  if (parameters.get('code') && parameters.has('error')) return true;
  return neverInCallback.some((name) => parameters.has(name));
}

/** Writes parameters in one order: a form and a query may differ in it. */
function canonical(parameters: URLSearchParams): string {
  const sorted = new URLSearchParams(parameters);
  sorted.sort();
  return sorted.toString();
}

/** Checks the authorization itself. Its browser is known, so the page may name the connection. */
function faultOf(
  { redirectUriOf, providerNameOf, clock }: RecognizeCallbackDeps,
  found: AuthorizationWithConnection,
): Refusal | undefined {
  const { authorization, connection } = found;
  const about = refusedAuthorization(found, providerNameOf);
  const fault = linkFault(authorization, clock());
  if (fault !== undefined)
    return refusal(fault, { about, returnTo: refusedReturn(fault, authorization, connection.name) });
  const current = redirectUriOf(connection);
  // The provider refuses the code if the redirect URI differs from that of the authorization request.
  if (authorization.status !== 'pending' || authorization.redirectUri === current) return undefined;
  return refusal('other_environment', { about, addresses: addressesOf(authorization.redirectUri, current) });
}

/** Shortens the redirect URIs to their origins if these differ. */
function addressesOf(startUri: string, currentUri: string): { started: string; current: string } {
  const [started, current] = [new URL(startUri).origin, new URL(currentUri).origin];
  return started === current ? { started: startUri, current: currentUri } : { started, current };
}
