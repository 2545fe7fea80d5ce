import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type Configuration,
  type CustomFetch,
  calculatePKCECodeChallenge,
  fetchUserInfo,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client';
import type { ConsoleRole, Person } from '../../domain/callers/console-role.ts';
import type { ConsoleSignIn } from '../../domain/callers/console-sign-in.ts';
import { cleanProviderText } from '../../domain/provider-text.ts';
import { stateMismatch, toSignInFailure, unverified } from './classify-failure.ts';
import { type Claims, claimValues, findClaim, matchRole, outermostName } from './match-role.ts';
import { createOneTimeStates } from './one-time-states.ts';
import { createProviderConfiguration } from './provider-configuration.ts';
import { describeReceived } from './received-claims.ts';
import { SignInFailure } from './sign-in-failure.ts';
import { type Transaction, transactionTtlMs } from './transaction-cookie.ts';

/** A person whose ID token is verified, with their rights. */
export interface SignedInPerson extends Person {
  claims: Claims;
  /** The first configured role that matches. It decides. */
  role: ConsoleRole;
  /** Values of the claim that decides. */
  roles: readonly string[];
}

export interface IdentityProvider {
  /** Host of the issuer, for people to recognise it. */
  host: string;
  /** Returns where to send the browser, and the secrets to keep for its return. Throws SignInFailure. */
  begin(): Promise<{ url: URL; transaction: Transaction }>;
  /** Verifies the response in the query of the URL. Works once for each transaction. Throws SignInFailure. */
  finish(currentUrl: URL, transaction: Transaction): Promise<SignedInPerson>;
}

export interface IdentityProviderParts {
  settings: ConsoleSignIn;
  fetch: CustomFetch;
  /** Origin and base path of the service. Known once the process listens. */
  baseUrl: () => string;
  now: () => Date;
  onFailed: (failure: SignInFailure) => void;
}

/** Path below the base URL that the provider sends the browser back to. */
export const callbackPath = '/console/sign-in/callback';

/** Signs people in with an OpenID Connect provider: authorization code with PKCE, state and nonce (Core §3.1). */
export function createIdentityProvider(parts: IdentityProviderParts): IdentityProvider {
  const { settings, baseUrl, now } = parts;
  const configured = createProviderConfiguration(settings, parts.fetch, now);
  const take = createOneTimeStates({ ttlMs: transactionTtlMs, now });
  const redirectUri = () => `${baseUrl()}${callbackPath}`;

  async function reporting<T>(work: () => Promise<T>, secrets: string[]): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const failure = toSignInFailure(error, [settings.clientSecret.reveal(), ...secrets]);
      parts.onFailed(failure);
      throw failure;
    }
  }

  async function begin() {
    const configuration = await configured();
    const transaction = { state: randomState(), nonce: randomNonce(), codeVerifier: randomPKCECodeVerifier() };
    const url = buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri(),
      scope: scopesFor(settings, configuration.serverMetadata().scopes_supported ?? []).join(' '),
      state: transaction.state,
      nonce: transaction.nonce,
      code_challenge: await calculatePKCECodeChallenge(transaction.codeVerifier),
      code_challenge_method: 'S256',
    });
    return { url, transaction };
  }

  async function finish(currentUrl: URL, { state, nonce, codeVerifier }: Transaction): Promise<SignedInPerson> {
    const states = currentUrl.searchParams.getAll('state');
    if (states.length !== 1 || states[0] !== state || !take(state)) throw stateMismatch();
    const configuration = await configured();
    // The provider compares the redirect URI with that of the request; a proxy may show this process another one.
    const answer = new URL(redirectUri());
    answer.search = currentUrl.search;
    const tokens = await authorizationCodeGrant(configuration, answer, {
      expectedState: state,
      expectedNonce: nonce,
      pkceCodeVerifier: codeVerifier,
      idTokenExpected: true,
    });
    const idToken = tokens.claims();
    if (idToken === undefined) throw unverified('id_token');
    // OpenID Connect Core §2: at most 255 ASCII characters. It becomes a part of the caller's id.
    if (!/^[\x20-\x7e]{1,255}$/.test(idToken.sub)) throw unverified('sub');
    const claims = await withUserInfo(configuration, settings.claim, idToken, tokens.access_token);
    const person = { issuer: idToken.iss, subject: idToken.sub, name: nameOf(claims, idToken.sub) };
    const role = matchRole(claims, settings.claim, settings.roles);
    if (role !== undefined) return { ...person, claims, role, roles: claimValues(claims, settings.claim) };
    const secrets = [tokens.access_token, tokens.id_token, tokens.refresh_token].filter((token) => token !== undefined);
    const received = describeReceived(claims, settings.claim, secrets);
    throw new SignInFailure('No role of the console matches the claims of this person.', {
      reason: 'no_role',
      ...person,
      received,
    });
  }

  return {
    host: new URL(settings.issuer).host,
    begin: () => reporting(begin, []),
    finish: (currentUrl, transaction) =>
      reporting(
        () => finish(currentUrl, transaction),
        [transaction.codeVerifier, transaction.state, transaction.nonce, ...currentUrl.searchParams.getAll('code')],
      ),
  };
}

/** Adds the scope that is named like the claim, if the provider has one: many send groups only for the scope `groups`. */
function scopesFor({ scopes, claim }: ConsoleSignIn, supported: readonly string[]): string[] {
  const name = outermostName(claim);
  return [...new Set([...scopes, ...supported.filter((scope) => scope === name)])];
}

/** Adds claims of the userinfo endpoint if the ID token has no claim for the role. Those of the ID token come first. */
async function withUserInfo(
  configuration: Configuration,
  claim: string,
  idToken: { sub: string } & Claims,
  accessToken: string,
): Promise<Claims> {
  const hasEndpoint = configuration.serverMetadata().userinfo_endpoint !== undefined;
  if (findClaim(idToken, claim) !== undefined || !hasEndpoint) return idToken;
  return { ...(await fetchUserInfo(configuration, accessToken, idToken.sub)), ...idToken };
}

function nameOf(claims: Claims, subject: string): string {
  const names = [claims.name, claims.preferred_username, claims.email].filter((name) => typeof name === 'string');
  return names.map((name) => cleanProviderText(name.slice(0, 1000), [])).find((name) => name !== null) ?? subject;
}
