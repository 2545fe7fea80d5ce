import type { ApiKey } from '../api-key.ts';
import type { AuditEvent } from '../audit.ts';
import type { Authorization } from '../authorization.ts';
import type { Reach } from '../caller.ts';
import type { Connection } from '../connection.ts';

export interface TripWithConnection {
  authorization: Authorization;
  connection: Connection;
}

/** Trips by their state, which is itself the proof of who may ask; organisations come out of the row. */
export interface TripStore {
  find(stateHash: string): Promise<TripWithConnection | undefined>;
  /** The latest opener binds, while pending and unexpired. */
  bind(stateHash: string, browserHash: string, now: Date): Promise<TripWithConnection | undefined>;
  /** One conditional update on state and browser together: a foreign browser's hit consumes nothing. */
  consume(stateHash: string, browserHash: string, now: Date): Promise<TripWithConnection | undefined>;
}

export interface ApiKeyStore {
  find(id: string): Promise<ApiKey | undefined>;
  insert(key: ApiKey): Promise<void>;
  /** Those within the reach. */
  list(reach: Reach): Promise<ApiKey[]>;
  /** False where no such live key is within the reach. */
  revoke(id: string, reach: Reach, now: Date): Promise<boolean>;
  /** Best effort, batched by the caller. */
  touch(ids: readonly string[], now: Date): Promise<void>;
  appendAudit(event: AuditEvent): Promise<void>;
}
