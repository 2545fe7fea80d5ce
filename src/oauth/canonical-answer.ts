import { parseScopes, scopeTokenPattern, unique } from '../domain/scopes.ts';
import { Secret } from '../domain/secret.ts';
import type { ProviderTemplate } from '../domain/template.ts';
import type { ProviderAccount, TokenAnswer } from '../domain/token-set.ts';
import { accessLifetime, refreshLifetime } from './lifetimes.ts';
import { readAccountText, readScalar, valueAt } from './value-path.ts';

export type ParsedAnswer = Record<string, unknown>;

/** The answer as RFC 6749 §5.1 would have it, for the strict protocol core to judge. */
export interface CanonicalAnswer {
  access_token: unknown;
  token_type: 'bearer';
  expires_in?: number;
  refresh_token?: unknown;
  scope?: string;
  id_token?: unknown;
}

const maxTokenLength = 16 * 1024;
const maxScopes = 500;
/** RFC 6749 §A.12: VSCHAR. A line break in a token would become a header of its own at the next call. */
const tokenPattern = /^[\x20-\x7e]+$/;
const knownTokenTypes = /^(bearer|dpop|pop|mac)$/i;

/** Members under their standard names, whatever this provider calls them. */
export function mapMembers(raw: ParsedAnswer, template: ProviderTemplate): ParsedAnswer {
  const mapped = Object.entries(template.response.map).map(([name, path]) => [name, valueAt(raw, path)] as const);
  return { ...raw, ...Object.fromEntries(mapped.filter(([, value]) => value !== undefined)) };
}

export function toCanonical(
  members: ParsedAnswer,
  template: ProviderTemplate,
  keepIdToken: boolean,
  now: Date,
): CanonicalAnswer {
  const accessToken = typeof members.access_token === 'string' ? members.access_token : '';
  const lifetime = accessLifetime(members, accessToken, template.expiry, now);
  const scopes = readScopes(members.scope);
  return {
    access_token: members.access_token,
    token_type: 'bearer',
    ...(lifetime !== null && lifetime > 0 && { expires_in: lifetime }),
    ...(isPresent(members.refresh_token) && { refresh_token: members.refresh_token }),
    ...(scopes !== null && { scope: scopes.join(' ') }),
    ...(keepIdToken && isPresent(members.id_token) && { id_token: members.id_token }),
  };
}

/** Whether every token in the answer can be stored and put into a header. */
export function hasSoundTokens({ access_token, refresh_token }: CanonicalAnswer): boolean {
  return isSoundToken(access_token) && (refresh_token === undefined || isSoundToken(refresh_token));
}

/** `members` were judged sound, and by the protocol core too. `captured` came with the callback, beside the answer. */
export function toTokenAnswer(
  members: ParsedAnswer,
  template: ProviderTemplate,
  captured: ParsedAnswer,
  now: Date,
): TokenAnswer {
  const accessToken = String(members.access_token);
  const refreshToken = isPresent(members.refresh_token) ? new Secret(String(members.refresh_token)) : null;
  const extra = { ...captured, ...captureExtra(members, template) };
  return {
    tokens: { accessToken: new Secret(accessToken), refreshToken, tokenType: readTokenType(members.token_type), extra },
    lifetimeSeconds: accessLifetime(members, accessToken, template.expiry, now),
    refreshLifetimeSeconds: refreshLifetime(members, refreshToken !== null, template, now),
    scopes: readScopes(members.scope),
    account: readAccount(members, extra, template.response),
  };
}

export function readAccount(
  source: unknown,
  extra: ParsedAnswer,
  paths: { accountId: string | null; accountName: string | null },
): ProviderAccount | null {
  const read = (path: string | null) =>
    path === null ? null : readAccountText(valueAt(source, path) ?? valueAt(extra, path));
  const id = read(paths.accountId);
  return id === null ? null : { id, name: read(paths.accountName) };
}

function captureExtra(members: ParsedAnswer, template: ProviderTemplate): ParsedAnswer {
  const found = Object.entries(template.response.extra).map(
    ([name, path]) => [name, readScalar(valueAt(members, path))] as const,
  );
  return Object.fromEntries(found.filter(([, value]) => value !== undefined));
}

/** An empty list is silence: some providers send one whatever was granted. */
function readScopes(value: unknown): string[] | null {
  const listed = typeof value === 'string' ? parseScopes(value) : Array.isArray(value) ? value : [];
  const scopes = listed.filter((scope): scope is string => typeof scope === 'string' && scopeTokenPattern.test(scope));
  return scopes.length === 0 ? null : unique(scopes).slice(0, maxScopes);
}

/** RFC 6749 §7.1 has only types a client understands; `bot` and the like are sent as Bearer in practice. */
function readTokenType(value: unknown): string {
  return typeof value === 'string' && knownTokenTypes.test(value) ? value : 'Bearer';
}

function isSoundToken(value: unknown): boolean {
  return typeof value === 'string' && value.length <= maxTokenLength && tokenPattern.test(value);
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}
