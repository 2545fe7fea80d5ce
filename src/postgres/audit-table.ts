import type { Generated } from 'kysely';
import type { AuditAction, AuditEvent } from '../domain/audit.ts';
import type { ConsentEnd, ConsentOrigin } from '../domain/grants/consent.ts';
import type { Json } from './column-types.ts';

export interface AuditEventsTable {
  id: Generated<string>;
  time: Date;
  actor: string;
  action: AuditAction;
  organization_id: string | null;
  connection_id: string | null;
  connection_name: string | null;
  grant_id: string | null;
  outcome: AuditEvent['outcome'];
  details: Json<AuditEvent['details']>;
  request_id: string | null;
  address: string | null;
  /** Transaction that wrote the event. Null in events of earlier releases. */
  transaction_id: Generated<string | null>;
}

export interface ConsentsTable {
  id: string;
  grant_id: string;
  connection_id: string;
  connection_name: string;
  organization_id: string | null;
  subject: string | null;
  account_id: string | null;
  account_name: string | null;
  scopes: string[];
  how: ConsentOrigin;
  actor: string;
  address: string | null;
  at: Date;
  ended_at: Date | null;
  ended_by: ConsentEnd | null;
  ended_actor: string | null;
  replaced_by: string | null;
}
