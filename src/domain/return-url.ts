/** Whitespace and control characters, which URL parsers drop, and backslashes, which they read as slashes. */
const deceptive = /[\p{Cc}\s\\]/u;
const maxLength = 2048;

/**
 * The URL to come back to, as it will be used, where the list allows it; else undefined. Judged by parsing, as the
 * browser will: an entry that is an origin allows every path of that origin, any other entry that URL exactly.
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
  // Relative forms (`//evil`, `/\evil`) have no base here and do not parse; a scheme without its slashes would.
  if (!/^https?:\/\/[^/]/i.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.username === '' && url.password === '' ? url : undefined;
}

function isOrigin(entry: string, { origin, pathname, search, hash }: URL): boolean {
  return pathname === '/' && search === '' && hash === '' && !entry.endsWith('/') && origin !== 'null';
}
