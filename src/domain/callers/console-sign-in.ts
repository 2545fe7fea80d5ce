import type { Secret } from '../secret.ts';
import type { ConsoleRole } from './console-role.ts';

/** Sign-in of people to the console with an OpenID Connect provider. */
export interface ConsoleSignIn {
  /** Compared with `iss` of the discovery document and of ID tokens. */
  issuer: string;
  clientId: string;
  clientSecret: Secret;
  scopes: readonly string[];
  /** Claim whose values decide the role: its name, a JSON pointer (RFC 6901), or names with dots between. */
  claim: string;
  /** The first role that a value of the claim matches decides. */
  roles: readonly ConsoleRole[];
  /** True if the provider may be reached on private and loopback addresses, and over http there. */
  allowPrivateNetwork: boolean;
  /** PEM file of the CAs that the provider's certificate is checked with, instead of the system's; null for the system's. */
  caFile: string | null;
}
