/** Parts of a URL of a database or queue server, percent-decoded except for the host. */
export interface ServerUrl {
  scheme: string;
  user: string;
  password: string;
  /** As written: a name, an address, or a list. */
  host: string;
  port: string;
  /** Without its leading slash. */
  path: string;
  parameters: readonly (readonly [name: string, value: string])[];
}

const encoded = { '#': '%23', '@': '%40', '/': '%2F', '?': '%3F', '%': '%25' } as const;

export const severalHosts =
  'names several hosts, and the broker connects to one: name a host that always leads to the primary';

/**
 * Splits a URL by the rules of libpq, which RFC 3986 shares. Returns a fault that says which part to change and quotes
 * nothing: any part may hold a piece of a password with an unencoded character.
 */
export function splitServerUrl(text: string, schemes: readonly [string, ...string[]]): ServerUrl | { fault: string } {
  const scheme = schemes.find((one) => text.startsWith(`${one}://`));
  if (scheme === undefined) {
    return { fault: `must be a URL that begins with ${schemes.map((one) => `${one}://`).join(' or ')}` };
  }
  const rest = text.slice(scheme.length + '://'.length);
  const fault = faultOf(rest);
  if (fault !== undefined) return { fault };
  const { authority, path, query } = cutUp(rest);
  const at = authority.lastIndexOf('@');
  const [user = '', ...password] = at < 0 ? [] : authority.slice(0, at).split(':');
  if (authority.slice(at + 1).includes(',')) return { fault: severalHosts };
  const address = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(authority.slice(at + 1));
  if (address === null) return { fault: 'has a host with several colons: write an IPv6 address in brackets' };
  const [, host = '', port = ''] = address;
  if (!isPort(port)) return { fault: 'has a port that is no number from 1 to 65535: correct what follows the host' };
  return {
    scheme,
    user: decodeURIComponent(user),
    password: decodeURIComponent(password.join(':')),
    host,
    port,
    path: decodeURIComponent(path.slice(1)),
    parameters: query
      .split('&')
      .filter((one) => one !== '')
      .map((one) => {
        const [name = '', ...value] = one.split('=');
        return [decodeURIComponent(name), decodeURIComponent(value.join('='))];
      }),
  };
}

export function isPort(text: string): boolean {
  return text === '' || (/^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535);
}

function cutUp(rest: string): { authority: string; path: string; query: string } {
  const {
    authority = '',
    path = '',
    query = '',
  } = /^(?<authority>[^/?]*)(?<path>[^?]*)(?:\?(?<query>.*))?$/.exec(rest)?.groups ?? {};
  return { authority, path, query };
}

function faultOf(rest: string): string | undefined {
  if (/[\s\p{Cc}]/u.test(rest)) return 'holds a space or line end: write %20 for a space inside a part';
  const { authority, path, query } = cutUp(rest);
  if (rest.includes('#')) return unencoded('#');
  const ats = authority.split('@').length - 1;
  if (ats > 1) return unencoded('@');
  const isCut = path.includes('@') || (query.includes('@') && (ats === 0 ? authority !== '' : path === ''));
  if (isCut) return unencoded(...(ats === 0 ? [] : (['@'] as const)), rest[authority.length] === '?' ? '?' : '/');
  if (/%(?![0-9a-f]{2})/i.test(rest)) return unencoded('%');
  return canDecode(rest) ? undefined : 'holds percent-encoded bytes that are not UTF-8';
}

function unencoded(...characters: readonly (keyof typeof encoded)[]): string {
  const list = characters.map((one) => `${one} as ${encoded[one]}`).join(' and ');
  return `holds an unencoded ${characters.join(' and ')}, probably in the password: write ${list}`;
}

function canDecode(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
