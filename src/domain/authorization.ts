import type { OutcomeDetails } from './authorization-outcome.ts';
import type { OrganizationId } from './connections/connection.ts';
import type { ExpectedAccount } from './expected-account.ts';
import type { StatusReason } from './grants/grant.ts';
import type { ProviderAccount } from './grants/token-set.ts';
import type { Sealed } from './ports/cipher.ts';

/**
 * Moves from pending to testing when a callback consumes the state, then to completed or failed. With a binding it waits
 * between the two for the session that started it. A pending or waiting authorization can be cancelled. Expiry follows
 * from expiresAt, or from the end of the wait, and is not stored.
 */
export type AuthorizationStatus =
  | 'pending'
  | 'testing'
  | 'awaiting_confirmation'
  | 'completed'
  | 'failed'
  | 'cancelled';

/** Binds an authorization to the session that started it. */
export interface SessionBinding {
  /** Public id, UUID version 7. It is no secret. */
  authorizationId: string;
  /** Base64url SHA-256 of a verifier that only the starting session has, as in RFC 7636 §4.2. */
  challenge: string;
}

/** Tokens that wait for the session that started the authorization. */
export interface WaitingTokens {
  /** Sealed response of the code exchange with the confirmation code; null once the tokens are taken or discarded. */
  sealed: Sealed | null;
  /** SHA-256 of the code that the completing browser received. Outlives the tokens, so that a repeat is recognised. */
  codeHash: string;
  /** End of the wait. */
  until: Date;
}

/** One visit of a person's browser to the provider. The row holds only the SHA-256 of the state. */
export interface Authorization {
  stateHash: string;
  connectionId: string;
  /** config_version of the connection at the start. A different version at the callback voids the authorization. */
  configVersion: number;
  /** Organisation that will own the grant. */
  organizationId: OrganizationId;
  subject: string | null;
  /** Name of the subject for the page before the provider. */
  subjectLabel: string | null;
  /** Account the caller expects. A different account is refused unless allowAccountChange is true. */
  accountId: string | null;
  allowAccountChange: boolean;
  /** Account that the caller describes. It is compared whatever allowAccountChange says. */
  expectedAccount: ExpectedAccount | null;
  /** Null if the callback alone completes the authorization. */
  binding: SessionBinding | null;
  /** Null until a code was exchanged for an authorization with a binding. */
  waiting: WaitingTokens | null;
  scopes: string[];
  loginHint: string | null;
  prompt: string | null;
  returnUrl: string | null;
  /** Text of the caller that comes back on return_url. */
  clientState: string | null;
  redirectUri: string;
  /** PKCE code_verifier (RFC 7636); null when the provider does not use PKCE. */
  sealedVerifier: Sealed | null;
  /** SHA-256 of the browser-id cookie of the browser that opened the link last. */
  browserHash: string | null;
  /** SHA-256 of the parameters of the callback that consumed the state. */
  callbackHash: string | null;
  status: AuthorizationStatus;
  statusReason: StatusReason | null;
  statusMessage: string | null;
  /** Error code of the provider's response. */
  error: string | null;
  /** Provider's description of the error, cleaned: at most 200 printable characters, without secrets. */
  errorDescription: string | null;
  /** Account that was connected. */
  connectedAccountId: string | null;
  connectedAccountName: string | null;
  /** Null until a callback reached an outcome. */
  details: OutcomeDetails | null;
  createdBy: string;
  createdAt: Date;
  expiresAt: Date;
}

/** End of an authorization, or its move to testing. */
export interface SettledAuthorization {
  status: Extract<AuthorizationStatus, 'testing' | 'completed' | 'failed'>;
  reason: StatusReason | null;
  message: string | null;
  /** Error of the provider: its code, and its description in cleaned form. */
  error: string | null;
  errorDescription: string | null;
  account: ProviderAccount | null;
  details: OutcomeDetails | null;
}

/** Returns the authorization as its settlement leaves it. */
export function settled(authorization: Authorization, settlement: SettledAuthorization): Authorization {
  const { status, reason, message, error, errorDescription, account, details } = settlement;
  return {
    ...authorization,
    status,
    statusReason: reason,
    statusMessage: message,
    error,
    errorDescription,
    connectedAccountId: account?.id ?? null,
    connectedAccountName: account?.name ?? null,
    details,
    sealedVerifier: status === 'testing' ? authorization.sealedVerifier : null,
    waiting: authorization.waiting && { ...authorization.waiting, sealed: null },
  };
}

/** Outcome reported to a caller that polls the authorization. */
export type AuthorizationOutcome = 'pending' | 'awaiting_confirmation' | 'completed' | 'failed' | 'expired';

export function outcomeOf(authorization: Authorization, now: Date): AuthorizationOutcome {
  if (authorization.status === 'completed') return 'completed';
  if (authorization.status === 'failed' || authorization.status === 'cancelled') return 'failed';
  // A consumed state is no longer bound to the time limit of the link: its code exchange is under way.
  if (authorization.status === 'awaiting_confirmation') {
    const { waiting } = authorization;
    return waiting === null || waiting.until <= now ? 'expired' : 'awaiting_confirmation';
  }
  if (authorization.status === 'testing') return isAbandoned(authorization, now) ? 'expired' : 'pending';
  return authorization.expiresAt <= now ? 'expired' : 'pending';
}

/**
 * Time after expiry, in milliseconds, after which a code exchange that left no outcome counts as lost with its process.
 * Longer than any exchange and probe may take; shorter values would report a running exchange as expired.
 */
export const abandonedAfterMs = 300_000;

function isAbandoned({ expiresAt }: Authorization, now: Date): boolean {
  return expiresAt.getTime() + abandonedAfterMs <= now.getTime();
}

/** True for a pending authorization that an edit of the connection ended. No callback reached an outcome. */
export function isVoided({ status, statusReason, statusMessage }: Authorization): boolean {
  return status === 'failed' && statusReason === 'configuration_changed' && statusMessage === null;
}
