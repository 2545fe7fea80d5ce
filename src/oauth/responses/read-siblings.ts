import type { ProviderTemplate, SiblingPaths } from '../../domain/connections/template.ts';
import type { RefreshResponse, TokenResponse } from '../../domain/grants/token-set.ts';
import { Secret } from '../../domain/secret.ts';
import type { Provider } from '../providers/resolve-provider.ts';
import { valueAt } from '../providers/value-path.ts';
import { accessLifetime, refreshLifetime } from './lifetimes.ts';
import type { ResponseMembers } from './parse-response-body.ts';
import { readScopes, readTokenType } from './token-fields.ts';
import { readToken } from './tokens.ts';

/** Tokens of the main token set of the same response. */
interface MainTokens {
  accessToken: string | null;
  refreshToken: string | null;
}

/**
 * Reads the second token sets of a response. Nothing here can refuse the response. Leaves out a set with the token of
 * the main one: the provider repeats the main one there, and its refresh token must not be sent twice.
 */
export function readSiblings(
  members: ResponseMembers,
  main: MainTokens,
  template: ProviderTemplate,
  providerNow: Date,
): Pick<TokenResponse, 'siblings'> {
  const found = Object.entries(template.response.siblings).flatMap(([name, paths]) => {
    const sibling = readSibling(members, main, paths, template, providerNow);
    return sibling === null ? [] : [[name, sibling] as const];
  });
  return found.length === 0 ? {} : { siblings: Object.fromEntries(found) };
}

/** Checks whether one of the second token sets has this refresh token. */
export function hasRefreshToken({ siblings }: Pick<TokenResponse, 'siblings'>, refreshToken: string): boolean {
  return Object.values(siblings ?? {}).some(({ tokens }) => tokens.refreshToken?.reveal() === refreshToken);
}

function readSibling(
  source: ResponseMembers,
  main: MainTokens,
  paths: SiblingPaths,
  template: ProviderTemplate,
  providerNow: Date,
): RefreshResponse | null {
  const members = siblingMembers(source, paths);
  const accessToken = readToken(members.access_token);
  const refreshToken = readToken(members.refresh_token);
  if (accessToken === null && refreshToken === null) return null;
  if (accessToken === null ? refreshToken === main.refreshToken : accessToken === main.accessToken) return null;
  return {
    tokens: {
      accessToken: accessToken === null ? null : new Secret(accessToken),
      refreshToken: refreshToken === null ? null : new Secret(refreshToken),
      tokenType: readTokenType(members.token_type),
      extra: {},
    },
    // The template's absolute instant is that of the main token.
    lifetimeSeconds: accessLifetime(members, accessToken, { ...template.expiry, absolute: null }, providerNow),
    refreshLifetimeSeconds: refreshLifetime(members, refreshToken !== null, template, providerNow),
    scopes: readScopes(members.scope, template.scopeSeparator),
    account: null,
  };
}

/** Gives the members of a second token set their standard names. */
function siblingMembers(source: ResponseMembers, paths: SiblingPaths): ResponseMembers {
  const at = (path: string | null) => (path === null ? undefined : valueAt(source, path));
  return {
    access_token: at(paths.accessToken),
    refresh_token: at(paths.refreshToken),
    token_type: at(paths.tokenType),
    expires_in: at(paths.expiresIn),
    scope: at(paths.scope),
  };
}

/** Returns the provider for the refresh of a second token set. The response may have it in its place or the main one's. */
export function providerOfSibling(provider: Provider, name: string): Provider {
  const { template } = provider;
  const paths = template.response.siblings[name];
  if (paths === undefined) return provider;
  const standard = {
    access_token: paths.accessToken,
    refresh_token: paths.refreshToken,
    token_type: paths.tokenType,
    expires_in: paths.expiresIn,
    scope: paths.scope,
  };
  const map = Object.entries(standard).map(([member, path]) => {
    const main = template.response.map[member] ?? member;
    return [member, path === null ? main : `${path}|${main}`] as const;
  });
  const response = { ...template.response, map: { ...template.response.map, ...Object.fromEntries(map) } };
  const plain = { ...response, siblings: {}, extra: {}, accountId: null, accountName: null };
  return { ...provider, template: { ...template, response: plain } };
}
