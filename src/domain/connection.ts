import type { Sealed } from './ports/cipher.ts';

/** An organisation's opaque id; null is the global scope. */
export type OrganizationId = string | null;

export const flows = ['authorization_code', 'client_credentials', 'refresh_token'] as const;
/** refresh_token: the token set is imported, never obtained through a browser. */
export type Flow = (typeof flows)[number];

/** Methods under which the client secret is a key of the client's own (RFC 7523 §2.2, RFC 8705 §2). */
const keyAuthMethods = ['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth'] as const;

/**
 * How the client proves itself at the token endpoint (RFC 7591 §2, RFC 8705 §2; the `_raw` form skips RFC 6749 §2.3.1's
 * form-urlencoding).
 */
export const tokenAuthMethods = [
  'client_secret_basic',
  'client_secret_basic_raw',
  'client_secret_post',
  'none',
  ...keyAuthMethods,
] as const;
export type TokenAuthMethod = (typeof tokenAuthMethods)[number];

export function provesWithKey(method: TokenAuthMethod | null): boolean {
  return keyAuthMethods.some((name) => name === method);
}

/** What an administrator writes: the whole editable configuration, without its secret. */
export interface ConnectionSettings {
  /** Id of a provider template. */
  provider: string;
  flow: Flow;
  clientId: string;
  /** Null where the template's own value serves; the same for every nullable member below. */
  authorizationUrl: string | null;
  tokenUrl: string | null;
  revocationUrl: string | null;
  testUrl: string | null;
  tokenAuthMethod: TokenAuthMethod | null;
  /** Values for the template's URL placeholders, by placeholder name. */
  variables: Record<string, string>;
  scopes: string[];
  authorizeParams: Record<string, string>;
  tokenParams: Record<string, string>;
  multiAccount: boolean;
  shareWithOrganizations: boolean;
  description: string | null;
}

/** A named OAuth client configuration, owned by an organisation or global. */
export interface Connection {
  /** UUID version 7. */
  id: string;
  organizationId: OrganizationId;
  name: string;
  settings: ConnectionSettings;
  /** The provider's secrets for this client, newest first; null for a public client. */
  sealedClientSecrets: Sealed | null;
  /** Grows with every edit that changes where tokens or secrets go; a trip started under another version is void. */
  configVersion: number;
  /** Grows with every edit whatsoever; the ETag. Refreshes leave it alone. */
  revision: number;
  createdBy: string;
  createdAt: Date;
  updatedAt: Date;
}

export const connectionNamePattern = /^[a-zA-Z0-9_-]{1,100}$/;
export const organizationIdPattern = /^[A-Za-z0-9_-][A-Za-z0-9._:@-]{0,99}$/;
