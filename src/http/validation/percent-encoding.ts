import { invalidRequest } from '../../domain/errors.ts';

export const encodingFault = 'must be percent-encoded UTF-8';

/** Tells whether a part of a URL can be decoded without replacing bytes: overlong forms and other charsets cannot. */
export function isWellEncoded(text: string): boolean {
  if (!/^[\x21-\x7e]*$/.test(text)) return false;
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** Parameters that decide the outcome of an authorization (RFC 6749 §4.1.2, RFC 9207). */
const decisive = new Set(['code', 'state', 'iss', 'error']);

/**
 * Parses the parameters of an authorization response, in a query or a form. Throws invalid_request if a decisive one is
 * not encoded well: a code with replaced characters is another code. Of the others only text for people is kept, because
 * some providers write it in another charset.
 */
export function parseAuthorizationResponse(text: string): URLSearchParams {
  const kept = text.split('&').filter((pair) => {
    if (isWellEncoded(pair)) return true;
    const [name = ''] = new URLSearchParams(pair).keys();
    if (decisive.has(name)) throw invalidRequest({ path: name, message: encodingFault });
    return name === 'error_description';
  });
  return new URLSearchParams(kept.join('&'));
}
