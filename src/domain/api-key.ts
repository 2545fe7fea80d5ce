import type { Permission, Reach } from './caller.ts';

/** An API key as stored: the secret itself is shown once and never kept. */
export interface ApiKey extends Reach {
  id: string;
  name: string;
  /** SHA-256 of the secret part. */
  secretHash: Uint8Array;
  permissions: Permission[];
  connections: string[] | null;
  createdBy: string;
  createdAt: Date;
  expiresAt: Date | null;
  lastUsedAt: Date | null;
  revokedAt: Date | null;
}
