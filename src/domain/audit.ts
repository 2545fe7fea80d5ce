import type { OrganizationId } from './connection.ts';

export type AuditAction =
  | 'connection.created'
  | 'connection.updated'
  | 'connection.deleted'
  | 'connection.tested'
  | 'authorization.started'
  | 'authorization.cancelled'
  | 'authorization.callback'
  | 'grant.connected'
  | 'grant.imported'
  | 'grant.refreshed'
  | 'grant.refresh_failed'
  | 'grant.expiring'
  | 'grant.revoked'
  | 'grant.deleted'
  | 'api_key.created'
  | 'api_key.revoked';

/** One line of the append-only record. `details` holds no secret and no provider text. */
export interface AuditEvent {
  time: Date;
  actor: string;
  action: AuditAction;
  organizationId: OrganizationId;
  connectionId: string | null;
  connectionName: string | null;
  grantId: string | null;
  outcome: 'success' | 'failure';
  details: Record<string, string | number | boolean | null | string[]>;
  requestId: string | null;
  address: string | null;
}
