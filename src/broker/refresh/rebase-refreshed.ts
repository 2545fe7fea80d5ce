import type { Grant } from '../../domain/grants/grant.ts';
import { heldTokens, withSiblingTokens } from '../../domain/grants/siblings.ts';
import { copiesOf, type SiblingTokens, type TokenSet } from '../../domain/grants/token-set.ts';
import type { Cipher } from '../../domain/ports/cipher.ts';
import type { RefreshStore } from '../../domain/ports/engine.ts';
import type { SpooledTokens } from '../../domain/ports/spool.ts';
import type { Tokens } from '../../domain/ports/tokens.ts';
import { openTokens, sealTokens } from '../sealing.ts';

/**
 * Builds a token set on the row's newer version, if only the other token set of the grant is newer: both share one
 * version. Also builds it on the older row of a restored backup, whose refresh token is spent. Undefined if the same
 * token set was replaced, revoked or deleted. Such a row needs no older token set.
 */
export type RebaseRefreshed = (entry: SpooledTokens) => Promise<SpooledTokens | undefined>;

export interface RebaseRefreshedDeps {
  find: RefreshStore['find'];
  cipher: Cipher;
  fingerprint: FingerprintTokens;
}

/** Identifies a token set without showing it. */
export type FingerprintTokens = (tokens: SiblingTokens) => string;

export function createFingerprint({ sha256Text }: Pick<Tokens, 'sha256Text'>): FingerprintTokens {
  return ({ accessToken, refreshToken }) =>
    sha256Text(JSON.stringify([accessToken.reveal(), refreshToken?.reveal() ?? null]));
}

export function createRebaseRefreshed({ find, cipher, fingerprint }: RebaseRefreshedDeps): RebaseRefreshed {
  return async (entry) => {
    const { base, tokens, sibling, replaces } = entry;
    const current = (await find(base.id))?.grant;
    if (!current?.sealedTokens || current.metadata === null || current.version === base.version) return undefined;
    const isOlder = isRestored(current, entry);
    if (replaces === undefined && !isOlder) return undefined;
    const held = openTokens(cipher, current, current.sealedTokens);
    const part = sibling === undefined ? held : heldTokens(held, sibling);
    if (part === null || (fingerprint(part) !== replaces && !isOlder)) return undefined;
    const fresh = openTokens(cipher, base, tokens.sealed);
    const merged = sibling === undefined ? withMain(held, fresh) : withSecond(held, fresh, sibling);
    const { siblings } = current.metadata;
    const metadata =
      sibling === undefined && siblings !== undefined ? { ...tokens.metadata, siblings } : tokens.metadata;
    return {
      ...entry,
      base: { ...base, version: current.version },
      tokens: { sealed: sealTokens(cipher, base, merged), metadata },
    };
  };
}

/** Versions only grow: a lower one is that of a backup. The copy may have refreshed it since, and then has the newer tokens. */
function isRestored({ version, metadata }: Grant, { base, event, sibling }: SpooledTokens): boolean {
  const part = sibling === undefined ? metadata : metadata?.siblings?.[sibling]?.metadata;
  const { obtainedAt = null } = part ?? {};
  return version < base.version && (obtainedAt === null || obtainedAt < event.time);
}

/** Takes the main tokens from `fresh`, and the second ones, with their captured copies, from `held`. */
function withMain(held: TokenSet, fresh: TokenSet): TokenSet {
  const { siblings } = held;
  if (siblings === undefined) return fresh;
  const extra = Object.entries(siblings).reduce((values, [name, { accessToken }]) => {
    const old = fresh.siblings?.[name]?.accessToken;
    return old === undefined ? values : copiesOf(old, values, accessToken);
  }, fresh.extra);
  return { ...fresh, extra, siblings };
}

function withSecond(held: TokenSet, fresh: TokenSet, name: string): TokenSet {
  const second = heldTokens(fresh, name);
  return second === null ? held : withSiblingTokens(held, name, second);
}
