import type { Grant } from '../../domain/grants/grant.ts';
import { heldTokens, withSiblingTokens } from '../../domain/grants/siblings.ts';
import type { TokenSet } from '../../domain/grants/token-set.ts';
import type { Cipher, Sealed } from '../../domain/ports/cipher.ts';
import { Secret } from '../../domain/secret.ts';
import { openTokens, sealTokens } from '../sealing.ts';

/** The token set of a grant that one engine refreshes: the main one, or a second one in its place. */
export interface TokenPart {
  /** Name of the second token set; absent for the main one. */
  sibling?: string;
  /** Opens that token set. */
  open(grant: Grant, sealed: Sealed): TokenSet;
  /** Seals the whole set of a grant in which that token set is replaced. */
  seal(grant: Grant, fresh: TokenSet): Sealed;
}

export function createMainPart(cipher: Cipher): TokenPart {
  return {
    open: (grant, sealed) => openTokens(cipher, grant, sealed),
    seal: (grant, fresh) => sealTokens(cipher, grant, fresh),
  };
}

export function createSiblingPart(cipher: Cipher, name: string): TokenPart {
  return {
    sibling: name,
    open: (grant, sealed) => heldTokens(openTokens(cipher, grant, sealed), name) ?? noTokens,
    seal(grant, fresh) {
      if (grant.sealedTokens === null) throw new TypeError('a second token set has no grant with tokens');
      return sealTokens(cipher, grant, withSiblingTokens(openTokens(cipher, grant, grant.sealedTokens), name, fresh));
    },
  };
}

/** Without a refresh token nothing is sent. */
const noTokens: TokenSet = { accessToken: new Secret(''), refreshToken: null, tokenType: 'Bearer', extra: {} };
