import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** A cookie of this service that the browser sent, with a valid signature. One opening of one link sets one cookie. */
export interface OpeningCookie {
  /** Name as the browser sent it. */
  name: string;
  /** Authorization that was opened. */
  stateTag: string;
  openedAt: Date;
  expiresAt: Date;
  /** Whether a callback has ended the authorization. The cookie then only recognises a repeat of the callback. */
  isSettled: boolean;
  browserId: string;
}

/** Tells the authorizations of one browser apart: the first 48 bits of the SHA-256 of the state. */
export function tagOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 8);
}

/** Content of a cookie: authorization, times of opening and expiry in base 36 seconds, whether settled, browser id. */
const content = /^([\w-]{8})\.([\da-z]{1,8})\.([\da-z]{1,8})\.([01])\.([\w-]{22,256})$/;

export function contentOf({
  stateTag,
  openedAt,
  expiresAt,
  isSettled,
  browserId,
}: Omit<OpeningCookie, 'name'>): string {
  return [stateTag, seconds(openedAt), seconds(expiresAt), isSettled ? 1 : 0, browserId].join('.');
}

/** Returns undefined for a cookie that is altered, signed with an unknown key, or of another kind. */
export function readOpening(
  app: FastifyInstance,
  { name, value }: { name: string; value: string },
): OpeningCookie | undefined {
  const signed = app.unsignCookie(value);
  const [, stateTag, openedAt, expiresAt, settled, browserId] = content.exec(signed.valid ? signed.value : '') ?? [];
  if (!stateTag || !openedAt || !expiresAt || !browserId) return undefined;
  const isSettled = settled === '1';
  return { name, stateTag, openedAt: instant(openedAt), expiresAt: instant(expiresAt), isSettled, browserId };
}

/**
 * Lists the cookies of a request, those of equal name one by one. A page of another subdomain can set a cookie of any
 * name for the whole domain: it must not hide the one of this service.
 */
export function cookiesOf({ headers }: FastifyRequest): { name: string; value: string }[] {
  return (headers.cookie ?? '').split(';').flatMap((pair) => {
    const at = pair.indexOf('=');
    if (at < 0) return [];
    try {
      return [{ name: pair.slice(0, at).trim(), value: decodeURIComponent(pair.slice(at + 1).trim()) }];
    } catch {
      return [];
    }
  });
}

function seconds(at: Date): string {
  return Math.floor(at.getTime() / 1000).toString(36);
}

function instant(text: string): Date {
  return new Date(Number.parseInt(text, 36) * 1000);
}
