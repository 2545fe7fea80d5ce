/** URLs of a connection that receive tokens and may be edited without ending grants. */
export type MovableUrl = 'testUrl' | 'revocationUrl';

type MovableUrls = Record<MovableUrl, string | null>;

/** Origins of a connection's own URLs at one time; null for a URL that the connection leaves to its template. */
export type UrlOrigins = MovableUrls;

export const noOrigins: UrlOrigins = { testUrl: null, revocationUrl: null };

export function originsOf({ testUrl, revocationUrl }: MovableUrls): UrlOrigins {
  return { testUrl: originOf(testUrl), revocationUrl: originOf(revocationUrl) };
}

/**
 * Tells whether tokens or client secrets that came under the origins `known` may be sent to a URL of the connection.
 * `standard` are the template's URLs: no editor of the connection chooses their hosts, so every token may go there.
 * The rule reads no earlier edit, so no sequence of edits can circumvent it.
 */
export function isKnownOrigin(
  url: MovableUrl,
  settings: MovableUrls,
  known: UrlOrigins,
  standard: MovableUrls,
): boolean {
  const origin = originOf(settings[url]);
  return origin === null || origin === known[url] || origin === originOf(standard[url]);
}

function originOf(url: string | null): string | null {
  return url === null ? null : new URL(url).origin;
}
