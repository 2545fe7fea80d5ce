import type { OrganizationId } from '../connections/connection.ts';

/** Ways in which a token set reaches the broker. */
export const consentOrigins = ['authorization', 'import', 'client_credentials'] as const;
export type ConsentOrigin = (typeof consentOrigins)[number];

/** disconnected: an edit of the connection dropped the tokens. */
export const consentEnds = ['replaced', 'revoked', 'deleted', 'disconnected'] as const;
export type ConsentEnd = (typeof consentEnds)[number];

/** Who connected what, when, with which scopes and from where. Kept without a limit, also after the grant is deleted. */
export interface Consent {
  id: string;
  grantId: string;
  connectionId: string;
  connectionName: string;
  /** Owner of the grant. */
  organizationId: OrganizationId;
  subject: string | null;
  accountId: string | null;
  accountName: string | null;
  /** Granted scopes. */
  scopes: string[];
  how: ConsentOrigin;
  /** Caller that imported the tokens or started the authorization. */
  actor: string;
  /** Address of the person's browser for an authorization, else of the caller. */
  address: string | null;
  at: Date;
  /** Null while this is the present consent of the grant. */
  end: { at: Date; by: ConsentEnd; actor: string; replacedBy: string | null } | null;
}

/** A consent as it begins: it has no end yet. */
export type NewConsent = Omit<Consent, 'organizationId' | 'end'>;
