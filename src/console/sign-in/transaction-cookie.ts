import { createHash } from 'node:crypto';
import type { Signer } from '@fastify/cookie';

/** Secrets of one sign-in, from the redirect to the provider until its response. */
export interface Transaction {
  state: string;
  nonce: string;
  /** PKCE (RFC 7636 §4.1). */
  codeVerifier: string;
}

/** A transaction, and what the browser asked for before it. */
export interface PendingSignIn extends Transaction {
  /** Page to show after the sign-in. */
  next?: string | undefined;
}

/** Milliseconds in which a person signs in at the provider. */
export const transactionTtlMs = 10 * 60_000;

/** Tells this cookie from others that the same key signs. */
const purpose = 'console-sign-in';
const content = new RegExp(
  `^${purpose}\\.([\\w-]{20,128})\\.([\\w-]{20,128})\\.([\\w-]{43,128})\\.([\\da-z]{1,9})\\.([\\w-]{0,2700})$`,
);

/** Name and attributes of the cookie. SameSite=Lax: the provider sends the browser back by a navigation of another site. */
export function transactionCookie(baseUrl: string) {
  const { protocol, pathname } = new URL(baseUrl);
  const secure = protocol === 'https:';
  const path = `${pathname.replace(/\/$/, '')}/console/sign-in`;
  // RFC 6265 §8.5: cookies do not separate ports. The tag tells two services on one host apart.
  const tag = createHash('sha256').update(baseUrl).digest('base64url').slice(0, 8);
  return {
    // __Secure-: a page of another origin over http cannot set it. __Host- would need the path / and send it everywhere.
    name: `${secure ? '__Secure-' : ''}token-broker-${tag}-sign-in`,
    options: { path, httpOnly: true, secure, sameSite: 'lax', maxAge: transactionTtlMs / 1000 } as const,
  };
}

/** Returns the value of the cookie: signed, and readable for the holder of the browser. */
export function sealTransaction(signer: Pick<Signer, 'sign'>, pending: PendingSignIn, now: Date): string {
  const { state, nonce, codeVerifier, next = '' } = pending;
  const expiresAt = Math.floor((now.getTime() + transactionTtlMs) / 1000).toString(36);
  return signer.sign([purpose, state, nonce, codeVerifier, expiresAt, base64urlOf(next)].join('.'));
}

/** Returns undefined for a value that is altered, expired, signed with another key, or of another cookie. */
export function openTransaction(signer: Pick<Signer, 'unsign'>, value: string, now: Date): PendingSignIn | undefined {
  const signed = signer.unsign(value);
  const [, state, nonce, codeVerifier, expiresAt, next] = content.exec(signed.valid ? (signed.value ?? '') : '') ?? [];
  if (!state || !nonce || !codeVerifier || !expiresAt) return undefined;
  if (Number.parseInt(expiresAt, 36) * 1000 <= now.getTime()) return undefined;
  return { state, nonce, codeVerifier, ...(next && { next: Buffer.from(next, 'base64url').toString() }) };
}

function base64urlOf(text: string): string {
  return Buffer.from(text).toString('base64url');
}
