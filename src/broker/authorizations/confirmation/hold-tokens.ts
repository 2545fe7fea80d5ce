import type { Authorization, WaitingTokens } from '../../../domain/authorization.ts';
import type { AuthorizationWithConnection } from '../../../domain/ports/callers.ts';
import type { Cipher } from '../../../domain/ports/cipher.ts';
import type { TransactionStores } from '../../../domain/ports/stores.ts';
import type { Tokens } from '../../../domain/ports/tokens.ts';
import { sealWaitingSecrets } from '../../waiting-tokens.ts';
import { lockUnchanged } from '../connect-grant.ts';
import { AuthorizationAborted, refuseOtherAccount } from './refuse-other-account.ts';
import { secretsOf, type WaitingContent } from './waiting-content.ts';

/**
 * Lets the tokens of an authorization with a binding wait, within the caller's transaction. Writes no grant. Returns the
 * authorization as its row now is. Throws AuthorizationAborted.
 */
export type HoldTokens = (
  stores: TransactionStores,
  found: AuthorizationWithConnection,
  content: WaitingContent,
) => Promise<Authorization>;

export interface HoldTokensDeps {
  cipher: Cipher;
  tokens: Pick<Tokens, 'random' | 'sha256Text'>;
  clock: () => Date;
}

/** 256 bits of randomness: the code is half of the right to the tokens. */
const codeBytes = 32;
/** Wait in milliseconds, 10 minutes. The application confirms at once; longer waits keep tokens for no one. */
const waitMs = 600_000;

export function createHoldTokens({ cipher, tokens, clock }: HoldTokensDeps): HoldTokens {
  return async (stores, { authorization }, content) => {
    const connection = await lockUnchanged(stores, authorization);
    const { connectionId, subject, stateHash } = authorization;
    // The confirmation checks again. A mismatch that is known now is shown to the person who caused it.
    const accountId = content.obtained.account?.id ?? authorization.accountId;
    const slot = { connectionId, subject, accountId: connection.settings.multiAccount ? accountId : null };
    refuseOtherAccount(authorization, content.obtained, await stores.grants.findSlot(slot));
    const code = tokens.random(codeBytes);
    const waiting: WaitingTokens = {
      sealed: sealWaitingSecrets(cipher, authorization, secretsOf(code, content)),
      codeHash: tokens.sha256Text(code),
      until: new Date(clock().getTime() + waitMs),
    };
    if (!(await stores.authorizations.wait(stateHash, waiting))) {
      throw new AuthorizationAborted('broker_failed', 'The authorization ended while its code was exchanged.');
    }
    return { ...authorization, status: 'awaiting_confirmation', sealedVerifier: null, waiting };
  };
}
