import type { ReadUrl } from './database-url.ts';
import { splitServerUrl } from './server-url.ts';

const oneServer = 'the queue needs one server, without cluster or sentinel: name the primary';

/** Reads the URL of a Redis server. Faults name the part to change and quote nothing. */
export function readRedisUrl(text: string): ReadUrl {
  if (/^[a-z+-]*(sentinel|cluster)[a-z+-]*:/i.test(text))
    return { fault: `has a scheme of another kind: ${oneServer}` };
  const parts = splitServerUrl(text, ['redis', 'rediss']);
  if ('fault' in parts) return parts;
  const { scheme, user, password, host, port, path, parameters } = parts;
  if (host === '') return { fault: 'has no host: write redis://:PASSWORD@HOST:6379/0' };
  if (user !== '' && password === '') {
    return { fault: 'has a user without a password: write redis://:PASSWORD@HOST, or redis://USER:PASSWORD@HOST' };
  }
  if (!/^\d{0,5}$/.test(path)) {
    return { fault: 'has a database that is no number: write its number after the last /, such as /0' };
  }
  const [family, ...others] = parameters;
  if (family !== undefined && (others.length > 0 || family[0] !== 'family' || !/^[046]$/.test(family[1]))) {
    const tls = parameters.some(([name]) => name.startsWith('ssl') || name.startsWith('tls'));
    return { fault: `has parameters other than family=4 or family=6: remove them${tls ? '; TLS is rediss://' : ''}` };
  }
  const authority = user + password === '' ? '' : `${encode(user)}:${encode(password)}@`;
  return {
    url: `${scheme}://${authority}${host}${port === '' ? '' : `:${port}`}/${path}${family ? `?family=${family[1]}` : ''}`,
  };
}

function encode(text: string): string {
  return encodeURIComponent(text).replaceAll("'", '%27');
}
