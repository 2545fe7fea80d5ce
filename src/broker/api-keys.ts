import type { ApiKey } from '../domain/api-key.ts';
import type { Caller, Permission, Trace } from '../domain/caller.ts';
import type { Secret } from '../domain/secret.ts';

/** Throws unauthorized. Knows the bootstrap key and stored ones. */
export type AuthenticateCaller = (bearer: Secret) => Promise<Caller>;

export interface NewApiKey {
  name: string;
  permissions: Permission[];
  organizations: string[] | '*';
  global: boolean;
  connections: string[] | null;
  expiresAt: Date | null;
}

/** The secret is in the answer this once. Throws forbidden where the new key would exceed its maker. */
export type CreateApiKey = (caller: Caller, input: NewApiKey, trace: Trace) => Promise<{ apiKey: ApiKey; key: Secret }>;

/** Those within the caller's permissions, organisations and connections. */
export type ListApiKeys = (caller: Caller) => Promise<ApiKey[]>;

/** Takes effect at once, in every process. Throws not_found. */
export type RevokeApiKey = (caller: Caller, id: string, trace: Trace) => Promise<void>;
