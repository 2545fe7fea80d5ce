import { isIP } from 'node:net';
import { mayConnect } from './address-rules.ts';

/** Maximum length of a URL in characters. Many servers reject longer ones. */
const maxUrlLength = 4096;

/**
 * Returns the fault of a URL that the service would call or send a browser to, or null. Host names are checked when the
 * connector resolves them. Literal addresses are checked here, because a socket connects to them without a lookup.
 * WHATWG parsing has already converted `0x7f.1` and `2130706433` to 127.0.0.1.
 */
export function outboundUrlFault(text: string, allowPrivateNetwork: boolean): string | null {
  if (text.length > maxUrlLength) return 'The URL is too long.';
  if (!URL.canParse(text)) return 'This is not an absolute URL.';
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'Only https URLs are allowed.';
  if (url.protocol === 'http:' && !allowPrivateNetwork) return 'Only https URLs are allowed.';
  if (url.username !== '' || url.password !== '') return 'A URL must not hold a user name or password.';
  const literal = literalAddress(url);
  if (literal !== null && !mayConnect(literal, url.protocol, allowPrivateNetwork)) {
    return 'This address may not be reached.';
  }
  return null;
}

function literalAddress(url: URL): string | null {
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
  return isIP(host) === 0 ? null : host;
}
