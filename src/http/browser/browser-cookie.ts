import { randomBytes } from 'node:crypto';
import cookie, { Signer } from '@fastify/cookie';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { BrokerError } from '../../domain/errors.ts';
import { contentOf, cookiesOf, type OpeningCookie, readOpening, tagOf } from './signed-cookies.ts';

/**
 * Maximum number of cookies of one service in a browser. Each takes about 150 bytes of every request: with more, servers
 * with header limits of 4 KB refuse the browser. A person with more links open loses the oldest.
 */
const maxCookies = 16;
/** Time in milliseconds for which a reload still shows the outcome: as long as the authorization is kept. */
const keptMs = 24 * 3600_000;
const oldCookieName = 'token-broker-browser';
const oldIdPattern = /^[A-Za-z0-9_-]{22,256}$/;

/**
 * Binds authorizations to a browser. Every opening of a link sets a signed cookie of its own name, with a new random id:
 * links that are opened at once, or one that is opened twice, never replace each other's cookie. The id does not identify
 * the person and grants no access.
 */
export interface BrowserCookies {
  /** Returns every id that this browser holds, with a valid signature. */
  ids: (request: FastifyRequest) => string[];
  /** Binds a link that this browser opened. Clears what it replaces, what has expired and what exceeds the maximum. */
  open: (request: FastifyRequest, reply: FastifyReply, opening: Opening) => void;
  /** Marks the cookies of an authorization that has ended: they make room first. */
  settle: (request: FastifyRequest, reply: FastifyReply, state: string) => void;
}

export interface Opening {
  state: string;
  browserId: string;
  /** Time until which the link can be used. */
  expiresAt: Date;
}

export interface BrowserCookieOptions {
  /** True if people reach the service by https. */
  secure: boolean;
  basePath: string;
  /** Public URL of the service with its BASE_PATH: services at other ports or paths have other cookie names. */
  baseUrl: () => string;
  /** Signing keys now: the first signs, all verify. Empty during the start. */
  keys: () => readonly string[];
  clock: () => Date;
}

export async function registerBrowserCookies(
  app: FastifyInstance,
  { secure, basePath, baseUrl, keys, clock }: BrowserCookieOptions,
): Promise<BrowserCookies> {
  // Keys may change while the service runs.
  const signer = () => signerWith(keys());
  await app.register(cookie, {
    secret: { sign: (value) => signer().sign(value), unsign: (value) => signer().unsign(value) },
  });
  // RFC 6265bis §4.1.3: browsers accept __Host- with Secure, Path=/ and without Domain only, so no other host can set it.
  const prefix = secure ? '__Host-' : '';
  // RFC 6265 §8.5: cookies do not separate ports. The first part names the service, the second the opening.
  const names = new RegExp(`^${prefix}token-broker-([\\w-]{8})-[\\w-]{8}$`);
  const oldName = `${secure && basePath !== '' ? '__Secure-' : prefix}${oldCookieName}`;
  const attributes = {
    httpOnly: true,
    secure,
    // A form_post callback is a cross-site POST: browsers send only SameSite=None cookies with it, which require https.
    sameSite: secure ? 'none' : 'lax',
    path: '/',
  } as const;

  const openings = (request: FastifyRequest) =>
    cookiesOf(request).flatMap((each) => (names.test(each.name) && readOpening(app, each)) || []);
  /** Leaves out the cookies of another service on this host. */
  const ownOpenings = (request: FastifyRequest) =>
    openings(request).filter(({ name }) => names.exec(name)?.[1] === tagOf(baseUrl()));
  const write = (reply: FastifyReply, { name, ...opening }: OpeningCookie) => {
    const maxAge = Math.ceil((opening.expiresAt.getTime() - clock().getTime()) / 1000);
    reply.setCookie(name, contentOf(opening), { ...attributes, signed: true, maxAge });
  };
  const clear = (reply: FastifyReply, cleared: readonly OpeningCookie[]) => {
    for (const { name } of cleared) reply.setCookie(name, '', { ...attributes, maxAge: 0 });
  };

  return {
    // Ids of every service count: PUBLIC_URL may have changed since, and the signature proves that the keys are the same.
    ids: (request) => [...openings(request).map(({ browserId }) => browserId), ...oldIds(app, request, oldName)],

    open(request, reply, { state, browserId, expiresAt }) {
      const now = clock();
      const stateTag = tagOf(state);
      const isReplaced = (held: OpeningCookie) => held.stateTag === stateTag || held.expiresAt <= now;
      const held = ownOpenings(request);
      const kept = held.filter((each) => !isReplaced(each)).sort(leastUsefulFirst);
      clear(reply, [...held.filter(isReplaced), ...kept.slice(0, Math.max(0, kept.length - maxCookies + 1))]);
      const name = `${prefix}token-broker-${tagOf(baseUrl())}-${randomBytes(6).toString('base64url')}`;
      const keptUntil = new Date(expiresAt.getTime() + keptMs);
      write(reply, { name, stateTag, openedAt: now, expiresAt: keptUntil, isSettled: false, browserId });
    },

    settle(request, reply, state) {
      const now = clock();
      const latest = new Date(now.getTime() + keptMs);
      const held = ownOpenings(request);
      clear(
        reply,
        held.filter(({ expiresAt }) => expiresAt <= now),
      );
      const ended = held.filter((each) => each.expiresAt > now && each.stateTag === tagOf(state) && !each.isSettled);
      for (const each of ended) {
        write(reply, { ...each, isSettled: true, expiresAt: each.expiresAt < latest ? each.expiresAt : latest });
      }
    },
  };
}

/** Without keys a cookie can neither be signed nor recognised: a browser must not take that for a foreign cookie. */
function signerWith([first, ...others]: readonly string[]): Signer {
  if (first === undefined) {
    throw BrokerError.with('service_unavailable', 'The service is starting.', { retry_after: 2 });
  }
  return new Signer([first, ...others]);
}

function leastUsefulFirst(a: OpeningCookie, b: OpeningCookie): number {
  return Number(b.isSettled) - Number(a.isSettled) || a.openedAt.getTime() - b.openedAt.getTime();
}

/** Reads the one cookie of earlier releases. Authorizations that were opened under one of them can still be completed. */
function oldIds(app: FastifyInstance, request: FastifyRequest, oldName: string): string[] {
  return cookiesOf(request).flatMap(({ name, value }) => {
    const signed = name === oldName ? app.unsignCookie(value) : undefined;
    return signed?.valid === true && oldIdPattern.test(signed.value) ? [signed.value] : [];
  });
}
