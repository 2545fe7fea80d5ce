import type { Actor } from '../domain/caller.ts';
import type { Grant } from '../domain/grant.ts';
import type { Secret } from '../domain/secret.ts';

/** A grant as administrators see it, with when the sweep will take it up. */
export type GrantView = Grant & { nextRefreshAt: Date | null };

/** This organisation's grants of the connection. Throws connection_not_found. */
export type ListGrants = (actor: Actor, name: string) => Promise<GrantView[]>;

/** Throws connection_not_found, grant_not_found. */
export type DeleteGrant = (actor: Actor, name: string, grantId: string) => Promise<void>;

export interface ImportedTokens {
  accessToken: Secret | null;
  refreshToken: Secret | null;
  tokenType: string | null;
  expiresAt: Date | null;
  scopes: string[] | null;
  subject: string | null;
  accountId: string | null;
  extra: Record<string, unknown>;
}

/**
 * An existing token set, taken over into the slot of that subject and account; an earlier grant there is replaced.
 * A refresh token alone is kept expired, so that the first read or the sweep obtains an access token.
 * Throws connection_not_found, invalid_request.
 */
export type ImportGrant = (actor: Actor, name: string, tokens: ImportedTokens) => Promise<GrantView>;

export interface GrantSelector {
  subject: string | null;
  accountId: string | null;
}

/** Local state in any case; the provider is told after the commit. Throws connection_not_found, grant_not_found. */
export type RevokeGrants = (
  actor: Actor,
  name: string,
  selector: GrantSelector & { reason: string | null },
) => Promise<{ grantId: string; subject: string | null; accountId: string | null; revokedAtProvider: boolean }[]>;

export interface TestReport {
  testResult: 'success' | 'failed' | 'skipped';
  message: string;
  testedAt: Date;
  responseTimeMs: number;
}

/** Probes the provider with the live token and records the result. Throws as a fetch of the credential would. */
export type TestConnection = (actor: Actor, name: string, selector: GrantSelector) => Promise<TestReport>;
