import type { Actor } from '../domain/caller.ts';
import type { Credential } from '../domain/credential.ts';
import type { Secret } from '../domain/secret.ts';

export interface RejectedToken {
  connectionName: string;
  rejectedToken: Secret;
  subject: string | null;
  accountId: string | null;
}

/** Refreshed only while the rejected token is still the current one; otherwise the current one is returned. Throws as a fetch does, and rate_limited. */
export type RenewCredential = (actor: Actor, report: RejectedToken) => Promise<Credential>;
