import type { AuthorizationLookup } from '../../domain/ports/callers.ts';
import type { Cipher } from '../../domain/ports/cipher.ts';
import type { OAuthGateway } from '../../domain/ports/oauth.ts';
import type { Tokens } from '../../domain/ports/tokens.ts';
import { ProviderFailure } from '../../domain/provider-failure.ts';
import type { ProviderNameOf } from '../provider-name.ts';
import { openVerifier } from '../sealing.ts';
import type { CallbackOutcome } from './callback-outcome.ts';
import type { ReachedOutcome } from './reached-outcome.ts';
import { linkFault, type RefusedAuthorization, refusal, refusedAuthorization } from './refusal.ts';

/**
 * Result of opening the link: a page to confirm, a redirect to the provider, the outcome that this browser reached before,
 * or a refusal.
 */
export type OpenedAuthorization =
  | PageBeforeProvider
  | { kind: 'redirect'; url: string; expiresAt: Date }
  | CallbackOutcome;

/** Facts that the person reads before the sign-in. Nothing was bound or changed. */
export interface PageBeforeProvider extends RefusedAuthorization {
  kind: 'page';
  subject: string | null;
  subjectLabel: string | null;
}

/** Authorizations whose link shows a page before the provider: those for a subject, all, or none. */
export type ConfirmPage = 'subject' | 'always' | 'never';

export interface OpeningBrowser {
  /** New id, to bind the browser with. An id that the browser brings is never bound: another party may know it. */
  browserId: string;
  /** Ids that the browser holds in cookies with a valid signature. */
  heldIds: readonly string[];
  /** True if the person went on from the page before the provider, in this browser. */
  hasGoneOn: boolean;
}

/**
 * Binds the browser to the authorization and builds the provider's URL. The last browser to open the link wins. A link
 * with a page before the provider binds nothing until the person goes on.
 */
export type OpenAuthorization = (state: string, browser: OpeningBrowser) => Promise<OpenedAuthorization>;

export interface OpenAuthorizationDeps {
  authorizations: Pick<AuthorizationLookup, 'bind' | 'find'>;
  reachedOutcome: ReachedOutcome;
  oauth: Pick<OAuthGateway, 'authorizationUrl'>;
  cipher: Cipher;
  tokens: Pick<Tokens, 'sha256Text'>;
  providerNameOf: ProviderNameOf;
  confirmPage: ConfirmPage;
  clock: () => Date;
}

export function createOpenAuthorization(deps: OpenAuthorizationDeps): OpenAuthorization {
  const { authorizations, oauth, cipher, tokens, providerNameOf, clock } = deps;
  return async (state, { browserId, heldIds, hasGoneOn }) => {
    const stateHash = tokens.sha256Text(state);
    const page = hasGoneOn ? undefined : await pageBefore(deps, stateHash);
    if (page !== undefined) return page;
    const found = await authorizations.bind(stateHash, tokens.sha256Text(browserId), clock());
    if (found === undefined) return withoutBinding(deps, stateHash, heldIds);
    const { authorization, connection } = found;
    const about = refusedAuthorization(found, providerNameOf);
    if (authorization.configVersion !== connection.configVersion) return refusal('connection_changed', { about });
    const { redirectUri, scopes, loginHint, prompt } = authorization;
    const codeVerifier = openVerifier(cipher, authorization);
    const request = { state, redirectUri, scopes, codeVerifier, loginHint, prompt };
    try {
      const url = await oauth.authorizationUrl(connection.settings, request);
      return { kind: 'redirect', url, expiresAt: authorization.expiresAt };
    } catch (error) {
      if (!(error instanceof ProviderFailure)) throw error;
      const isTemporary = error.facts.class === 'transient' || error.facts.class === 'throttled';
      return refusal(isTemporary ? 'provider_unavailable' : 'connection_unusable', { about });
    }
  };
}

/** Finds the page of a link that can still be opened. Only reads: link previews and scanners come here too. */
async function pageBefore(
  { authorizations, providerNameOf, confirmPage, clock }: OpenAuthorizationDeps,
  stateHash: string,
): Promise<PageBeforeProvider | undefined> {
  if (confirmPage === 'never') return undefined;
  const found = await authorizations.find(stateHash);
  if (found === undefined) return undefined;
  const { status, expiresAt, configVersion, subject, subjectLabel } = found.authorization;
  if (subject === null && confirmPage === 'subject') return undefined;
  if (status !== 'pending' || expiresAt <= clock() || configVersion !== found.connection.configVersion)
    return undefined;
  return { kind: 'page', ...refusedAuthorization(found, providerNameOf), subject, subjectLabel };
}

/** Finds why a link could not be bound. The caller has the state, so it may learn what became of the authorization. */
async function withoutBinding(
  { authorizations, reachedOutcome, tokens, providerNameOf, clock }: OpenAuthorizationDeps,
  stateHash: string,
  heldIds: readonly string[],
): Promise<CallbackOutcome> {
  const found = await authorizations.find(stateHash);
  if (found === undefined) return refusal('link_unknown');
  const fault = linkFault(found.authorization, clock());
  if (fault !== undefined) return refusal(fault, { about: refusedAuthorization(found, providerNameOf) });
  // A link that was clicked twice may arrive again after its authorization has ended.
  const isSameBrowser = heldIds.some((id) => tokens.sha256Text(id) === found.authorization.browserHash);
  if (isSameBrowser) return reachedOutcome(found, false);
  return refusal('link_used', { about: refusedAuthorization(found, providerNameOf) });
}
