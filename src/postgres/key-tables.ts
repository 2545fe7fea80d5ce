import type { Generated } from 'kysely';
import type { Permission } from '../domain/callers/caller.ts';
import type { SessionIdentity } from '../domain/callers/session.ts';
import type { DataKeyState } from '../domain/ports/keys.ts';
import type { RotationState, SealedPlace } from '../domain/ports/maintenance/key-rotation.ts';
import type { Bytes, Json } from './column-types.ts';

export interface ApiKeysTable {
  id: string;
  name: string;
  secret_hash: Bytes;
  permissions: Permission[];
  organizations: string[] | null;
  global: boolean;
  connections: string[] | null;
  created_by: string;
  created_at: Date;
  expires_at: Date | null;
  rate_limit_per_minute: number | null;
  last_used_at: Date | null;
  revoked_at: Date | null;
}

/** Sessions of the console. The id itself is stored nowhere. */
export interface ConsoleSessionsTable {
  id_hash: Bytes;
  identity: Json<SessionIdentity>;
  caller_id: string;
  csrf_secret: string;
  created_at: Date;
  last_seen_at: Date;
  address: string | null;
  agent: string | null;
}

export interface DataKeysTable {
  id: string;
  key_encryption_key_id: string;
  wrapped: Bytes;
  state: DataKeyState;
  canary: Bytes;
  created_at: Date;
  seals: Generated<number>;
  sealed_until: Date | null;
}

/** Confirmations that a key-encryption key has a backup. */
export interface KeyBackupsTable {
  key_id: string;
  confirmed_at: Date;
  confirmed_by: string;
}

/** Keys that each process holds. */
export interface KeyHoldersTable {
  id: string;
  host: string;
  encryption_key_ids: string[];
  data_key_ids: string[];
  sealing_key_id: string | null;
  spooled_key_ids: string[];
  seen_at: Generated<Date>;
}

export interface KeyRotationsTable {
  id: string;
  encryption_key_id: string;
  data_key_id: string | null;
  state: RotationState;
  started_by: string;
  started_at: Date;
  finished_at: Date | null;
  pass: Generated<number>;
  place: SealedPlace | null;
  cursor: string | null;
  examined: Generated<number>;
  resealed: Generated<number>;
  contended: Generated<number>;
  unreadable: Generated<number>;
  lease_owner: string | null;
  lease_until: Date | null;
}
