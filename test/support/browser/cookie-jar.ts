interface Cookie {
  name: string;
  value: string;
  path: string;
  secure: boolean;
  httpOnly: boolean;
  sameSite: string | null;
}

export type CookieJar = ReturnType<typeof createCookieJar>;

/**
 * Keeps cookies by host name whatever the port (RFC 6265 §8.5), with path, Secure and expiry. Tests can read SameSite,
 * but it is not enforced: this browser navigates at top level only.
 */
export function createCookieJar() {
  const hosts = new Map<string, Map<string, Cookie>>();

  function store(url: URL, lines: readonly string[]): void {
    const host = hosts.get(url.hostname) ?? new Map<string, Cookie>();
    hosts.set(url.hostname, host);
    for (const line of lines) {
      const { cookie, expired } = parseCookie(line, url);
      if (cookie.secure && url.protocol !== 'https:') continue;
      const key = `${cookie.name};${cookie.path}`;
      if (expired) host.delete(key);
      else host.set(key, cookie);
    }
  }

  function matching(url: URL): Cookie[] {
    const cookies = [...(hosts.get(url.hostname)?.values() ?? [])];
    return cookies.filter(
      (cookie) => pathMatches(cookie.path, url.pathname) && (!cookie.secure || url.protocol === 'https:'),
    );
  }

  return {
    store,
    all: matching,
    /** The Cookie header for a URL. Empty if no cookie matches. */
    header(url: URL): string {
      return matching(url)
        .map(({ name, value }) => `${name}=${value}`)
        .join('; ');
    },
    clear(): void {
      hosts.clear();
    },
  };
}

function parseCookie(line: string, url: URL): { cookie: Cookie; expired: boolean } {
  const [pair = '', ...rest] = line.split(';');
  const at = pair.indexOf('=');
  const attributes = new Map(
    rest.map((part) => {
      const [name = '', ...value] = part.trim().split('=');
      return [name.toLowerCase(), value.join('=')] as const;
    }),
  );
  const maxAge = attributes.get('max-age');
  const expires = attributes.get('expires');
  const expired =
    maxAge !== undefined ? Number(maxAge) <= 0 : expires !== undefined && Date.parse(expires) <= Date.now();
  const directory = url.pathname.slice(0, Math.max(url.pathname.lastIndexOf('/'), 1));
  const path = attributes.get('path');
  return {
    cookie: {
      name: pair.slice(0, at).trim(),
      value: pair.slice(at + 1).trim(),
      path: path?.startsWith('/') ? path : directory,
      secure: attributes.has('secure'),
      httpOnly: attributes.has('httponly'),
      sameSite: attributes.get('samesite') ?? null,
    },
    expired,
  };
}

function pathMatches(cookiePath: string, path: string): boolean {
  return path === cookiePath || path.startsWith(cookiePath.endsWith('/') ? cookiePath : `${cookiePath}/`);
}
