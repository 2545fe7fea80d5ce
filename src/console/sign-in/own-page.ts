import { z } from 'zod';

/** Characters of an address. A cookie carries it through the identity provider, and browsers keep 4 KB of a cookie. */
const maxLength = 2000;
/** Any origin will do: a page of the console is a path. */
const origin = 'http://console.invalid';

/**
 * A page of the console, to show after a sign-in, in the form in which a browser would request it. Any other address is
 * left out: it could lead a person away (CWE-601).
 */
export const ownPage = z
  .string()
  .transform((address, context) => {
    const page = pageOf(address);
    if (page !== undefined) return page;
    context.addIssue('is not a page of the console');
    return z.NEVER;
  })
  .optional()
  .catch(undefined);

function pageOf(address: string): string | undefined {
  // Browsers read a backslash as a slash, and leave out tabs and line ends.
  if (!address.startsWith('/') || /[\\\p{C}]/u.test(address) || !URL.canParse(address, origin)) return undefined;
  const url = new URL(address, origin);
  // Below /sign-in, a page would start another sign-in.
  const page = `${url.pathname}${url.search}`;
  const isPage = url.origin === origin && /^\/console(?:$|\/(?!sign-in(?:$|\/)))/.test(url.pathname);
  return isPage && page.length <= maxLength ? page : undefined;
}

/** Address of the sign-in, or of a page below it, that keeps the page to show afterwards. */
export function signInPath(next?: string, below = ''): string {
  const path = `/console/sign-in${below}`;
  return next === undefined || next === '/console' ? path : `${path}?${new URLSearchParams({ next })}`;
}
