import type { ReadUrl } from './database-url.ts';
import { splitServerUrl } from './server-url.ts';

/** Reads the URL of a proxy. Faults name the part to change and quote nothing. */
export function readProxyUrl(text: string): ReadUrl {
  const parts = splitServerUrl(text, ['http', 'https']);
  if ('fault' in parts) return parts;
  if (!URL.canParse(text)) return { fault: 'has a host that cannot be read: correct what follows the scheme or the @' };
  if (parts.path !== '' || parts.parameters.length > 0) {
    return { fault: 'has a path or parameters, which a proxy does not use: remove what follows the port' };
  }
  return { url: text };
}
