import { isIP } from 'node:net';
import { mayConnect } from './address-rules.ts';

const maxUrlLength = 4096;

/**
 * What is wrong with a URL that this service would call or send a browser to; null where nothing is. Names are judged
 * when they are resolved, literal addresses here: a socket asks no resolver for them. WHATWG parsing has already turned
 * `0x7f.1` and `2130706433` into 127.0.0.1.
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
