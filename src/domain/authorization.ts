import type { OrganizationId } from './connection.ts';
import type { StatusReason } from './grant.ts';
import type { Sealed } from './ports/cipher.ts';

/** pending → (callback consumed it) testing → completed | failed; or cancelled while pending. Expiry is told by the clock. */
export type AuthorizationStatus = 'pending' | 'testing' | 'completed' | 'failed' | 'cancelled';

/** One trip of a person's browser to the provider. The state itself is never stored, only its SHA-256. */
export interface Authorization {
  stateHash: string;
  connectionId: string;
  /** The connection's config_version when the trip began; another one at the callback voids the trip. */
  configVersion: number;
  /** Who will own the grant. */
  organizationId: OrganizationId;
  subject: string | null;
  /** The account the caller expects; a different one is refused unless allowAccountChange. */
  accountId: string | null;
  allowAccountChange: boolean;
  scopes: string[];
  loginHint: string | null;
  prompt: string | null;
  returnUrl: string | null;
  redirectUri: string;
  /** PKCE code_verifier (RFC 7636); null where the provider takes none. */
  sealedVerifier: Sealed | null;
  /** SHA-256 of the browser-id cookie of whoever opened the link last. */
  browserHash: string | null;
  status: AuthorizationStatus;
  statusReason: StatusReason | null;
  statusMessage: string | null;
  /** The account that was connected. */
  connectedAccountId: string | null;
  createdBy: string;
  createdAt: Date;
  expiresAt: Date;
}

/** What whoever waits on a person is told. */
export type AuthorizationOutcome = 'pending' | 'completed' | 'failed' | 'expired';

export function outcomeOf(trip: Authorization, now: Date): AuthorizationOutcome {
  if (trip.status === 'completed') return 'completed';
  if (trip.status === 'failed' || trip.status === 'cancelled') return 'failed';
  return trip.expiresAt <= now ? 'expired' : 'pending';
}
