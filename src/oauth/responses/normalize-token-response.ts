import type { ProviderTemplate } from '../../domain/connections/template.ts';
import type { ProviderAccount, TokenResponse, TokenSet } from '../../domain/grants/token-set.ts';
import { Secret } from '../../domain/secret.ts';
import type { OutboundResponse } from '../../outbound/http-types.ts';
import type { Provider } from '../providers/resolve-provider.ts';
import { readAccountText, readScalar, valueAt } from '../providers/value-path.ts';
import { readJwtClaims } from './jwt-claims.ts';
import { accessLifetime, refreshLifetime } from './lifetimes.ts';
import type { ResponseMembers } from './parse-response-body.ts';
import { readEmail } from './read-email.ts';
import { hasRefreshToken, readSiblings } from './read-siblings.ts';
import { readProviderClock } from './stated-times.ts';
import { readScopes, readTokenType } from './token-fields.ts';
import { readToken } from './tokens.ts';

export interface ReadingContext {
  provider: Provider;
  /** Values of the callback's parameters that belong to the token set's `extra`. */
  captured?: ResponseMembers;
  /** Secrets and tokens of the request. A description that repeats one is dropped. */
  sent?: readonly (Secret | string | null)[];
  now: Date;
}

/** Token response without its access token. */
export type TokenResponseMetadata = Omit<TokenResponse, 'tokens'> & { tokens: Omit<TokenSet, 'accessToken'> };

/** Standard names and the other spelling in which providers send them. */
const otherSpellings = [
  ['access_token', 'accessToken'],
  ['refresh_token', 'refreshToken'],
  ['token_type', 'tokenType'],
  ['id_token', 'idToken'],
] as const;

/** Gives members their standard names: by the template's map, else those of common spellings and wrappers. */
export function mapMembers(response: ResponseMembers, template: ProviderTemplate): ResponseMembers {
  const raw = withStandardNames(response);
  const mapped = Object.entries(template.response.map).map(([name, path]) => [name, valueAt(raw, path)] as const);
  return { ...raw, ...Object.fromEntries(mapped.filter(([, value]) => value !== undefined)) };
}

/**
 * Finds tokens under another spelling or inside one wrapper (`data`, `token`) if none has its standard place. A refresh
 * of an imported grant may be the first answer of a provider without a template, and it rotates the refresh token.
 */
function withStandardNames(response: ResponseMembers): ResponseMembers {
  const holder = [response, ...Object.values(response)].find(holdsTokens);
  if (holder === undefined) return response;
  const members = { ...response, ...holder };
  const renamed = otherSpellings.filter(
    ([name, other]) => !Object.hasOwn(members, name) && Object.hasOwn(members, other),
  );
  return { ...members, ...Object.fromEntries(renamed.map(([name, other]) => [name, members[other]])) };
}

function holdsTokens(value: unknown): value is ResponseMembers {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return otherSpellings.slice(0, 2).some((names) => names.some((name) => typeof valueAt(value, name) === 'string'));
}

/** Reads everything that a token response says beside the access token. Nothing here can refuse the response. */
export function readMetadata(
  members: ResponseMembers,
  accessToken: string | null,
  response: Pick<OutboundResponse, 'date'>,
  { provider: { template }, captured = {}, now }: ReadingContext,
): TokenResponseMetadata {
  const providerNow = readProviderClock(response.date, now);
  const stated = readToken(members.refresh_token);
  const second = readSiblings(members, { accessToken, refreshToken: stated }, template, providerNow);
  // The map may have found the refresh token of a second token set, for want of an own one. It must not be sent twice.
  const refreshToken = stated !== null && hasRefreshToken(second, stated) ? null : stated;
  const facts = withIdTokenClaims(members, template.response);
  const extra = { ...captured, ...captureExtra(facts, template) };
  return {
    tokens: {
      refreshToken: refreshToken === null ? null : new Secret(refreshToken),
      tokenType: readTokenType(members.token_type),
      extra,
    },
    lifetimeSeconds: accessLifetime(members, accessToken, template.expiry, providerNow),
    refreshLifetimeSeconds: refreshLifetime(members, refreshToken !== null, template, providerNow),
    scopes: readScopes(members.scope, template.scopeSeparator),
    account: readAccount(facts, extra, template.response),
    ...second,
  };
}

export function readAccount(
  source: unknown,
  extra: ResponseMembers,
  paths: { accountId: string | null; accountName: string | null },
): ProviderAccount | null {
  const read = (path: string | null) =>
    path === null ? null : readAccountText(valueAt(source, path) ?? valueAt(extra, path));
  const id = read(paths.accountId);
  if (id === null) return null;
  const isFromCallback = paths.accountId !== null && readAccountText(valueAt(source, paths.accountId)) === null;
  const email = readEmail(source, paths.accountName);
  return {
    id,
    name: read(paths.accountName),
    ...(email !== null && { email }),
    ...(isFromCallback && { isFromCallback }),
  };
}

/**
 * Replaces the id_token by its claims if the template reads one of them (`id_token.sub`). The id_token is not verified:
 * it came over TLS from the token endpoint (OIDC Core §3.1.3.7).
 */
function withIdTokenClaims(
  members: ResponseMembers,
  { accountId, accountName, extra }: ProviderTemplate['response'],
): ResponseMembers {
  const paths = [accountId, accountName, ...Object.values(extra)];
  const claims = paths.some((path) => path?.includes('id_token.')) ? readJwtClaims(members.id_token) : undefined;
  return claims === undefined ? members : { ...members, id_token: claims };
}

function captureExtra(members: ResponseMembers, template: ProviderTemplate): ResponseMembers {
  const found = Object.entries(template.response.extra).map(
    ([name, path]) => [name, readScalar(valueAt(members, path))] as const,
  );
  return Object.fromEntries(found.filter(([, value]) => value !== undefined));
}
