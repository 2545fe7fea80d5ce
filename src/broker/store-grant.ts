import type { OrganizationId } from '../domain/connection.ts';
import { BrokerError } from '../domain/errors.ts';
import type { Grant, TokenFacts } from '../domain/grant.ts';
import type { Cipher } from '../domain/ports/cipher.ts';
import type { GrantArrival, GrantWriter } from '../domain/ports/stores.ts';
import type { NewId } from '../domain/ports/tokens.ts';
import type { TokenSet } from '../domain/token-set.ts';
import { sealTokens } from './sealing.ts';

export interface Arrival extends Omit<GrantArrival, 'tokens'> {
  /** Who owns the grant: the organisation the stores were built for. */
  organizationId: OrganizationId;
  /**
   * What to keep, given what the slot holds. Runs on the row that is held, again where another transaction filled or
   * emptied the slot meanwhile; throws to abandon.
   */
  arrive: (held: Grant | undefined) => { tokens: TokenSet; facts: TokenFacts };
}

/** Puts a token set into a slot, within the caller's transaction. Answers the grant's id. */
export type StoreGrant = (grants: GrantWriter, arrival: Arrival) => Promise<string>;

/** Filled and emptied again this often within one arrival, a slot is being fought over and the caller should hear of it. */
const maxAttempts = 5;

export function createStoreGrant({ cipher, newId }: { cipher: Cipher; newId: NewId }): StoreGrant {
  return async (grants, { organizationId, arrive, ...rest }) => {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const held = await grants.lockSlot(rest.slot);
      const { tokens, facts } = arrive(held);
      const id = held?.id ?? newId();
      const sealed = sealTokens(cipher, { id, organizationId }, tokens);
      const arrival: GrantArrival = { ...rest, tokens: { sealed, facts } };
      if (held !== undefined) {
        await grants.replace(id, arrival);
        return id;
      }
      if (await grants.insert(id, arrival)) return id;
    }
    throw BrokerError.with('service_unavailable', 'This grant is being changed by others; try again.', {
      retry_after: 1,
    });
  };
}
