import type { AuthorizationOutcome } from '../domain/authorization.ts';
import type { Actor } from '../domain/caller.ts';
import type { StatusReason } from '../domain/grant.ts';

export interface AuthorizationProgress {
  status: AuthorizationOutcome;
  statusReason: StatusReason | null;
  connectionName: string;
  subject: string | null;
  accountId: string | null;
}

/** For whoever waits on a person. Throws not_found for a state that is unknown or another organisation's. */
export type GetAuthorization = (actor: Actor, state: string) => Promise<AuthorizationProgress>;

/** Voids the pending trip of that subject. Throws connection_not_found. How many were pending. */
export type CancelAuthorization = (actor: Actor, name: string, subject: string | null) => Promise<number>;
