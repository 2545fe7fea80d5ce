import { randomBytes } from 'node:crypto';
import { json, type Reply } from '../support/provider/hostile-provider.ts';

/** Kind of each secret in the run, by its value. Each value is unique and can be found wherever it leaks. */
export const canaries = new Map<string, string>();

/** Creates a secret of this kind and registers it. */
export function canary(kind: string): string {
  const value = `canary${kind}${randomBytes(16).toString('hex')}`;
  canaries.set(value, kind);
  return value;
}

/**
 * Encodings in which a secret may leak: plain, percent-encoded, hex, reversed, and base64 or base64url. The base64 form of
 * a secret depends on its offset within the encoded text, so each of the three offsets has a form of its own.
 */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const hex = bytes.toString('hex');
  const escaped = hex.replace(/../g, '%$&');
  const inBase64 = [0, 1, 2].flatMap((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    // The first and the last characters also hold bits of the text around the secret.
    const inner = encoded.slice(offset === 0 ? 0 : offset + 1, -2);
    return [inner, inner.replaceAll('+', '-').replaceAll('/', '_')];
  });
  const percentEncoded = [encodeURIComponent(secret), escaped, escaped.toUpperCase()];
  return [...new Set([secret, ...percentEncoded, hex, hex.toUpperCase(), [...secret].reverse().join(''), ...inBase64])];
}

const knownForms = new Map<string, string[]>();

/** Lists the registered secrets that `contents` holds in any encoding. */
export function leaksIn(place: string, contents: string): string[] {
  return [...canaries].flatMap(([secret, kind]) => {
    const forms = knownForms.get(secret) ?? formsOf(secret);
    knownForms.set(secret, forms);
    return forms.some((form) => contents.includes(form)) ? [`${kind} in ${place}`] : [];
  });
}

/** Replies with a valid token response whose tokens are new canaries. */
export const canaryTokens =
  (extra: object = {}): Reply =>
  (response) =>
    json(200, { access_token: canary('access'), refresh_token: canary('refresh'), expires_in: 3600, ...extra })(
      response,
    );

/** Replies with an error whose text repeats every secret so far: some providers echo what they receive. */
export const echo =
  (status: number, error: string): Reply =>
  (response) =>
    json(status, {
      error,
      error_description: [...canaries.keys()].join(' '),
      error_uri: `https://p.test/${[...canaries.keys()][0]}`,
    })(response);
