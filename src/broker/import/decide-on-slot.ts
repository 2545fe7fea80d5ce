import type { OrganizationId } from '../../domain/connections/connection.ts';
import type { Grant } from '../../domain/grants/grant.ts';
import type { TokenSet } from '../../domain/grants/token-set.ts';
import type { Cipher } from '../../domain/ports/cipher.ts';
import type { DecideOnSlot } from '../grants/store-imported.ts';
import { openTokens } from '../sealing.ts';
import type { ImportAction, ImportOptions } from './import-line.ts';

/** Ends the storing of a line before anything is written. */
export class SlotKept extends Error {
  readonly action: ImportAction;
  readonly grantId: string | null;

  constructor(action: ImportAction, grantId: string | null) {
    super('The slot of an imported grant is left as it is.');
    this.action = action;
    this.grantId = grantId;
  }
}

/**
 * Decides on the locked row of a slot, and reports the action before the tokens are written. Throws SlotKept if nothing
 * is to be written.
 */
export function createDecideOnSlot(
  cipher: Cipher,
  organizationId: OrganizationId,
  { replace, dryRun }: Pick<ImportOptions, 'replace' | 'dryRun'>,
  onWrite: (action: ImportAction) => void,
): DecideOnSlot {
  return (held, arriving) => {
    const action = actionOn(held, arriving);
    if (action === 'unchanged' || action === 'failed' || dryRun) throw new SlotKept(action, held?.id ?? null);
    onWrite(action);
  };

  function actionOn(held: Grant | undefined, arriving: TokenSet): ImportAction {
    if (held === undefined) return 'created';
    if (held.status !== 'completed' || held.sealedTokens === null) return 'replaced';
    const tokens = openTokens(cipher, { id: held.id, organizationId }, held.sealedTokens);
    if (isSame(tokens, arriving, replace)) return 'unchanged';
    return replace ? 'replaced' : 'failed';
  }
}

/**
 * Without `replace`, an equal refresh token is enough: the broker has refreshed the access token since. An empty access
 * token means that the line has none.
 */
function isSame(held: TokenSet, arriving: TokenSet, replace: boolean): boolean {
  if (held.refreshToken?.reveal() !== arriving.refreshToken?.reveal()) return false;
  if (arriving.refreshToken !== null && !replace) return true;
  const accessToken = arriving.accessToken.reveal();
  return accessToken === '' || accessToken === held.accessToken.reveal();
}
