import { type Authorization, isVoided, outcomeOf } from '../../domain/authorization.ts';
import type { OrganizationId } from '../../domain/connections/connection.ts';
import type { StatusReason } from '../../domain/grants/grant.ts';
import type { AuthorizationWithConnection } from '../../domain/ports/callers.ts';
import type { ProviderNameOf } from '../provider-name.ts';

/**
 * Reasons to refuse a link or a callback. No code was exchanged and no grant changed.
 * - link_*: what is wrong with the link.
 * - link_embedded: a page loaded the link as an image, a frame or the like.
 * - connection_deleted: the connection was deleted after the link was made.
 * - foreign_browser: another browser opened the link.
 * - other_connection: the callback came to the path of another connection.
 * - other_environment: the authorization began under another PUBLIC_URL.
 * - response_rejected: the authorization response is not one that the provider sends (RFC 9207).
 * - still_completing: the code exchange of the same callback still runs.
 * - connection_unusable: the connection's settings give no authorization URL.
 */
export const refusalReasons = [
  'link_incomplete',
  'link_embedded',
  'link_unknown',
  'link_expired',
  'link_used',
  'link_cancelled',
  'connection_changed',
  'connection_deleted',
  'connection_unknown',
  'connection_unusable',
  'provider_unavailable',
  'authorization_unknown',
  'foreign_browser',
  'other_connection',
  'other_environment',
  'response_malformed',
  'response_rejected',
  'still_completing',
] as const;
export type RefusalReason = (typeof refusalReasons)[number];

export interface Refusal {
  kind: 'refused';
  reason: RefusalReason;
  /** Authorization that was refused; null if it is unknown, or if this browser has not proven to belong to it. */
  about: RefusedAuthorization | null;
  /** Addresses of this service: at the start of the authorization, and now. Null unless they are the reason. */
  addresses: { started: string; current: string } | null;
  /** Return URL to send this browser to instead of a page. Null unless it has proven to have opened the link. */
  returnTo: RefusedReturn | null;
  /** Error in the parameters of a callback without a known authorization, in cleaned form: only the page shows it. */
  providerError: { code: string | null; description: string | null } | null;
}

/** Failure as the return URL reports it. */
export interface RefusedReturn {
  returnUrl: string;
  status: 'failed';
  connectionName: string;
  statusReason: StatusReason;
  clientState: string | null;
}

export interface RefusedAuthorization {
  connectionName: string;
  organizationId: OrganizationId;
  /** Name of the provider for people. */
  provider: string;
  expiresAt: Date;
}

export function refusal(reason: RefusalReason, rest: Partial<Omit<Refusal, 'kind' | 'reason'>> = {}): Refusal {
  return { kind: 'refused', reason, about: null, addresses: null, returnTo: null, providerError: null, ...rest };
}

export function refusedAuthorization(
  { authorization, connection }: AuthorizationWithConnection,
  providerNameOf: ProviderNameOf,
): RefusedAuthorization {
  return {
    connectionName: connection.name,
    organizationId: authorization.organizationId,
    provider: providerNameOf(connection.settings),
    expiresAt: authorization.expiresAt,
  };
}

/** Status reason of the refusals that end an authorization. The others leave it open, or say nothing about it. */
const reasonOfRefusal: Partial<Record<RefusalReason, StatusReason>> = {
  link_expired: 'authorization_expired',
  link_cancelled: 'authorization_cancelled',
  connection_changed: 'configuration_changed',
  connection_deleted: 'configuration_changed',
};

/** Finds where a refusal sends the browser that opened the link. Null if a page must tell it. */
export function refusedReturn(
  reason: RefusalReason,
  { returnUrl, clientState }: { returnUrl: string | null; clientState: string | null },
  connectionName: string,
): RefusedReturn | null {
  const statusReason = reasonOfRefusal[reason];
  if (returnUrl === null || statusReason === undefined) return null;
  return { returnUrl, status: 'failed', connectionName, statusReason, clientState };
}

/** Finds why the link of an authorization no longer works; undefined if a callback reached an outcome or may still. */
export function linkFault(authorization: Authorization, now: Date): RefusalReason | undefined {
  if (authorization.status === 'cancelled') return 'link_cancelled';
  if (isVoided(authorization)) return 'connection_changed';
  return outcomeOf(authorization, now) === 'expired' ? 'link_expired' : undefined;
}
