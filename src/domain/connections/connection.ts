import type { Sealed } from '../ports/cipher.ts';
import type { UrlOrigins } from './url-origins.ts';
import type { ValuePath } from './value-path.ts';

/** Opaque id of an organisation; null is the global scope. */
export type OrganizationId = string | null;

export const flows = ['authorization_code', 'client_credentials', 'refresh_token'] as const;
/** OAuth flow of a connection. `refresh_token`: the token set is imported, never obtained through a browser. */
export type Flow = (typeof flows)[number];

/** Methods in which the client secret holds a private key of the client (RFC 7523 §2.2, RFC 8705 §2). */
const keyAuthMethods = ['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth'] as const;

/**
 * Client authentication methods of the token endpoint (RFC 7591 §2, RFC 8705 §2). `client_secret_basic_raw` skips the
 * form-urlencoding of RFC 6749 §2.3.1.
 */
export const tokenAuthMethods = [
  'client_secret_basic',
  'client_secret_basic_raw',
  'client_secret_post',
  'none',
  ...keyAuthMethods,
] as const;
export type TokenAuthMethod = (typeof tokenAuthMethods)[number];

export function usesKeyAuthentication(method: TokenAuthMethod | null): boolean {
  return keyAuthMethods.some((name) => name === method);
}

/** Editable configuration of a connection, without its client secret. */
export interface ConnectionSettings {
  /** Id of a provider template. */
  provider: string;
  flow: Flow;
  clientId: string;
  /** Null uses the template's value; the same holds for the other URLs and for tokenAuthMethod. */
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
  /** Whether organisations may import grants below this global connection: its client then redeems their tokens. */
  allowImport: boolean;
  /** Whether PKCE is used (RFC 7636). Null uses the template's value. */
  pkce: boolean | null;
  /** Error codes equivalent to invalid_grant, in addition to the template's. */
  terminalErrors: string[];
  /** Location of the error code in a response, as a value path of a template; null uses the template's. */
  errorPath: ValuePath | null;
  description: string | null;
  /** Name of the file that the connection is kept in; null for one that is kept by hand. */
  managedBy: string | null;
}

/** A named OAuth client configuration, owned by an organisation or global. */
export interface Connection {
  /** UUID version 7. */
  id: string;
  organizationId: OrganizationId;
  name: string;
  settings: ConnectionSettings;
  /** Client secrets, newest first; null for a public client. At most two: the older one until the newest is accepted. */
  sealedClientSecrets: Sealed | null;
  /** Keyed hash of the newest client secret; null if there is none, or the row is older than fingerprints. */
  clientSecretFingerprint: Uint8Array | null;
  /** Time since which the provider refuses the newest client secret and accepts the older one; null if it does not. */
  clientSecretRefusedAt: Date | null;
  /** Own hosts of the connection when its client secret was last sent to the broker. */
  secretOrigins: UrlOrigins;
  /** Grows with every edit that redirects tokens or secrets. An authorization started under another version is void. */
  configVersion: number;
  /** Grows with every edit; used as the ETag. Refreshes do not change it. */
  revision: number;
  /** Revision that the last application of the file in `managedBy` wrote; null if there was none. */
  appliedRevision: number | null;
  createdBy: string;
  createdAt: Date;
  updatedAt: Date;
}

/** Tells whether a connection that is kept in a file was edited by other means since the file was applied. */
export function isDrifted({ settings, revision, appliedRevision }: Connection): boolean {
  return settings.managedBy !== null && revision !== appliedRevision;
}

export const connectionNamePattern = /^[a-zA-Z0-9_-]{1,100}$/;
export const organizationIdPattern = /^[A-Za-z0-9_-][A-Za-z0-9._:@-]{0,99}$/;
