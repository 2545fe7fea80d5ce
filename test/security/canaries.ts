import { randomBytes } from 'node:crypto';
import { json, type Reply } from '../support/hostile-provider.ts';

/** Every secret that goes through here, each recognisable wherever it turns up. */
export const canaries = new Map<string, string>();
export function canary(kind: string): string {
  const value = `canary${kind}${randomBytes(16).toString('hex')}`;
  canaries.set(value, kind);
  return value;
}

/** The forms in which a careless program would show a secret. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const inner = bytes.toString('base64').replace(/=+$/, '').slice(0, -2);
  return [secret, encodeURIComponent(secret), inner, bytes.toString('hex'), [...secret].reverse().join('')];
}

export function leaksIn(place: string, contents: string): string[] {
  return [...canaries].flatMap(([secret, kind]) =>
    formsOf(secret).some((form) => contents.includes(form)) ? [`${kind} in ${place}`] : [],
  );
}

/** Tokens that were never seen before, in a sound answer. */
export const tokensWith =
  (extra: object = {}): Reply =>
  (response) =>
    json(200, { access_token: canary('access'), refresh_token: canary('refresh'), expires_in: 3600, ...extra })(
      response,
    );

/** Provider text that quotes all it was sent, as careless providers do. */
export const echo =
  (status: number, error: string): Reply =>
  (response) =>
    json(status, {
      error,
      error_description: [...canaries.keys()].join(' '),
      error_uri: `https://p.test/${[...canaries.keys()][0]}`,
    })(response);
