import type { OrganizationId } from '../../domain/connections/connection.ts';
import type { UrlOrigins } from '../../domain/connections/url-origins.ts';
import { BrokerError } from '../../domain/errors.ts';
import type { Consent } from '../../domain/grants/consent.ts';
import type { Grant, TokenMetadata } from '../../domain/grants/grant.ts';
import type { TokenSet } from '../../domain/grants/token-set.ts';
import type { Cipher } from '../../domain/ports/cipher.ts';
import type { GrantArrival } from '../../domain/ports/grants.ts';
import type { TransactionStores } from '../../domain/ports/stores.ts';
import type { NewId } from '../../domain/ports/tokens.ts';
import { sealTokens } from '../sealing.ts';

export interface Arrival extends Omit<GrantArrival, 'tokens' | 'origins'> {
  /** Owner of the grant: the organisation that the stores were built for. */
  organizationId: OrganizationId;
  /** Origin of the token set, for the history of consents. */
  consent: Pick<Consent, 'connectionName' | 'how' | 'actor' | 'address'>;
  /**
   * Computes the token set to store from the slot's current grant. Runs on the locked row, and again if another
   * transaction filled or emptied the slot meanwhile. Throws to abandon.
   */
  arrive: (held: Grant | undefined) => { tokens: TokenSet; metadata: TokenMetadata; origins: UrlOrigins };
}

/** Stores a token set in a slot with its consent, within the caller's transaction. Returns the grant's id. */
export type StoreGrant = (stores: Pick<TransactionStores, 'grants' | 'consents'>, arrival: Arrival) => Promise<string>;

/** Tries per token set. Each one fails only if another transaction fills and empties the slot meanwhile. */
const maxAttempts = 5;

export function createStoreGrant({ cipher, newId }: { cipher: Cipher; newId: NewId }): StoreGrant {
  return async ({ grants, consents }, { organizationId, consent, arrive, ...rest }) => {
    const recordConsent = (grantId: string, { scopes }: TokenMetadata) => {
      const { slot, accountName, now } = rest;
      return consents.begin({ id: newId(), grantId, ...slot, accountName, scopes, ...consent, at: now });
    };
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const held = await grants.lockSlot(rest.slot);
      const { tokens, metadata, origins } = arrive(held);
      const id = held?.id ?? newId();
      const sealed = sealTokens(cipher, { id, organizationId }, tokens);
      const arrival: GrantArrival = { ...rest, tokens: { sealed, metadata }, origins };
      if (held !== undefined) {
        await grants.replace(id, arrival);
      } else if (!(await grants.insert(id, arrival))) {
        continue;
      }
      await recordConsent(id, metadata);
      return id;
    }
    throw BrokerError.with('service_unavailable', 'This grant is being changed by others; try again.', {
      retry_after: 1,
    });
  };
}
