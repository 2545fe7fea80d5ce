import type { Authorization } from '../domain/authorization.ts';
import type { UrlOrigins } from '../domain/connections/url-origins.ts';
import { parseTokenSet, serializeTokenSet, type TokenSet } from '../domain/grants/token-set.ts';
import type { Cipher, Sealed } from '../domain/ports/cipher.ts';
import { openWaiting, sealWaiting } from './sealing.ts';

/** Secrets of an authorization that waits for its confirmation. They are sealed together. */
export interface WaitingSecrets {
  /** Confirmation code, for a repeat of the callback in the same browser. */
  code: string;
  /** Every token of the response, in the form that a revocation takes. */
  tokens: TokenSet;
  /** Origins of the connection's URLs when the code was exchanged. */
  origins: UrlOrigins;
  /** Everything that the grant is made of, as JSON. */
  obtained: unknown;
}

type AuthorizationAddress = Pick<Authorization, 'stateHash' | 'organizationId'>;

export function sealWaitingSecrets(cipher: Cipher, at: AuthorizationAddress, secrets: WaitingSecrets): Sealed {
  return sealWaiting(cipher, at, JSON.stringify({ ...secrets, tokens: serializeTokenSet(secrets.tokens) }));
}

export function openWaitingSecrets(cipher: Cipher, at: AuthorizationAddress, sealed: Sealed): WaitingSecrets {
  const stored = JSON.parse(openWaiting(cipher, at, sealed)) as Omit<WaitingSecrets, 'tokens'> & { tokens: string };
  return { ...stored, tokens: parseTokenSet(stored.tokens) };
}
