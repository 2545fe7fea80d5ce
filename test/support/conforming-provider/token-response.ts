import type { ProviderTemplate } from '../../../src/domain/connections/template.ts';
import type { ProviderAccount } from '../../../src/domain/grants/token-set.ts';
import { alternativesOf, type Members, readAt, setAt } from './members.ts';

export interface Issue {
  accessToken: string;
  refreshToken: string | null;
  scopes: readonly string[];
  /** Lifetime that the response states; null: it states none. */
  statedSeconds: number | null;
  /** Which alternative of each path has the value: the first or the last. */
  alternative: 'first' | 'last';
  /** Values of the callback's parameters, by their name in `extra`. */
  captured: Record<string, string>;
  now: Date;
}

/** Values that the broker must read out of a token response. */
export interface ExpectedTokens {
  accessToken: string;
  refreshToken: string | null;
  lifetimeSeconds: number | null;
  refreshLifetimeSeconds: number | null;
  scopes: string[];
  extra: Record<string, unknown>;
  account: ProviderAccount | null;
}

/** Writes a token response in the shape that the template describes, and what it says. */
export function tokenResponse(template: ProviderTemplate, issue: Issue): { body: Members; expected: ExpectedTokens } {
  const { response, expiry, refreshToken: lifetimes } = template;
  const { now, statedSeconds, captured } = issue;
  const choose = (path: string) => alternativesOf(path).at(issue.alternative === 'first' ? 0 : -1) ?? '';
  const placeOf = (name: string) => choose(response.map[name] ?? name);
  const body: Members = {};
  if (response.success !== null) setAt(body, response.success.path, response.success.equals);
  setAt(body, placeOf('access_token'), issue.accessToken);
  setAt(body, placeOf('token_type'), 'bearer');
  if (issue.refreshToken !== null) setAt(body, placeOf('refresh_token'), issue.refreshToken);
  setAt(body, placeOf('scope'), issue.scopes.join(template.scopeSeparator));
  if (statedSeconds !== null && expiry.absolute !== null) {
    setAt(body, choose(expiry.absolute), new Date(now.getTime() + statedSeconds * 1000).toISOString());
  } else if (statedSeconds !== null) {
    setAt(body, placeOf('expires_in'), expiry.unit === 'milliseconds' ? statedSeconds * 1000 : statedSeconds);
  }
  const claims: Members = {};
  const { extra, accountId, accountName } = response;
  const named = { ...extra, ...captured };
  for (const path of [...Object.values(extra), accountId, accountName]) {
    if (path === null || alternativesOf(path).some((name) => path !== extra[name] && Object.hasOwn(named, name)))
      continue;
    const place = choose(path);
    const claim = /^id_token\.(.+)$/.exec(place)?.[1];
    if (claim !== undefined) setAt(claims, claim, `claim-${claim}`);
    else setAt(body, place, `value-${place}`);
  }
  const read = (path: string) => readAt({ ...body, ...(Object.keys(claims).length > 0 && { id_token: claims }) }, path);
  if (Object.keys(claims).length > 0) setAt(body, 'id_token', unsignedJwt(claims));
  const extras = {
    ...captured,
    ...Object.fromEntries(
      Object.entries(extra)
        .map(([name, path]) => [name, read(path)] as const)
        .filter(([, value]) => value !== undefined),
    ),
  };
  return {
    body,
    expected: {
      accessToken: issue.accessToken,
      refreshToken: issue.refreshToken,
      lifetimeSeconds: statedSeconds ?? expiry.defaultLifetimeSeconds,
      refreshLifetimeSeconds:
        issue.refreshToken === null || lifetimes.lifetimeDays === null ? null : lifetimes.lifetimeDays * 86_400,
      scopes: [...issue.scopes],
      extra: extras,
      account: accountIn(response, read, extras),
    },
  };
}

/** An account from the callback alone is marked: the browser could change it. */
function accountIn(
  { accountId, accountName }: ProviderTemplate['response'],
  read: (path: string) => unknown,
  extras: Record<string, unknown>,
): ProviderAccount | null {
  const find = (path: string | null) => (path === null ? undefined : (read(path) ?? readAt(extras, path)));
  const [id, name] = [find(accountId), find(accountName)];
  if (accountId === null || id === undefined) return null;
  const isFromCallback = read(accountId) === undefined;
  return { id: String(id), name: name === undefined ? null : String(name), ...(isFromCallback && { isFromCallback }) };
}

function unsignedJwt(claims: Members): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'RS256' })}.${part(claims)}.${Buffer.from('signature').toString('base64url')}`;
}
