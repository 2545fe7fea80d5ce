import { consolePath } from './console/console-pages.ts';

/**
 * Characters that make a URL mean something else: parsers drop whitespace and controls, and read backslashes as
 * slashes.
 */
const deceptive = /[\p{Cc}\s\\]/u;
/** Maximum length in characters. Bounds the authorization row and the Location header. */
const maxLength = 2048;

/**
 * Returns the normalised return URL if it is a page of the console, else undefined. These pages need no configuration:
 * they belong to the broker, and they show a person nothing without a session.
 */
export function ownReturnUrl(text: string, baseUrl: string): string | undefined {
  if (text.length > maxLength || deceptive.test(text)) return undefined;
  const href = parse(text)?.href;
  // The parser resolves dot segments, so a normalised URL below the console stays there.
  return href?.startsWith(`${new URL(`${baseUrl}${consolePath}`).href}/`) ? href : undefined;
}

/**
 * Returns the normalised return URL if the list allows it, else undefined. Compares parsed URLs, as a browser does.
 * An entry that is an origin allows every path of that origin; any other entry allows exactly that URL.
 */
export function allowedReturnUrl(text: string, allowed: readonly string[]): string | undefined {
  if (text.length > maxLength || deceptive.test(text)) return undefined;
  const url = parse(text);
  if (url === undefined) return undefined;
  const isAllowed = allowed.some((entry) => {
    const permitted = parse(entry);
    if (permitted === undefined) return false;
    return isOrigin(entry, permitted) ? permitted.origin === url.origin : permitted.href === url.href;
  });
  return isAllowed ? url.href : undefined;
}

function parse(text: string): URL | undefined {
  // Relative forms (`//evil`, `/\evil`) have no base and do not parse. A scheme without slashes would parse.
  if (!/^https?:\/\/[^/]/i.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.username === '' && url.password === '' ? url : undefined;
}

function isOrigin(entry: string, { origin, pathname, search, hash }: URL): boolean {
  return pathname === '/' && search === '' && hash === '' && !entry.endsWith('/') && origin !== 'null';
}
