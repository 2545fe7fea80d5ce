import type { AuditAction } from '../../domain/audit.ts';

/** Words for each action of the audit trail. A new action does not compile without an entry. */
export const eventWords: Readonly<Record<AuditAction, string>> = {
  'connection.created': 'Connection created',
  'connection.updated': 'Connection edited',
  'connection.deleted': 'Connection deleted',
  'connection.tested': 'Connection tested',
  'authorization.started': 'Authorization started',
  'authorization.cancelled': 'Authorization cancelled',
  'authorization.callback': 'Authorization response received',
  'authorization.confirmed': 'Authorization confirmed',
  'grant.connected': 'Account connected',
  'grant.imported': 'Tokens imported',
  'grants.imported': 'Many grants imported',
  'grant.refreshed': 'Token refreshed',
  'grant.refresh_failed': 'Refresh failed',
  'grant.expiring': 'Warned that the refresh token ends',
  'grant.revoked': 'Grant revoked',
  'grant.revoked_at_provider': 'Revoked at the provider',
  'grant.deleted': 'Grant deleted',
  'api_key.created': 'API key created',
  'api_key.revoked': 'API key revoked',
  'session.opened': 'Signed in to the console',
  'session.ended': 'Console session ended',
  'session.refused': 'Sign-in to the console refused',
  'sweep.requested': 'Sweep requested',
  'encryption.rotation_started': 'Key rotation started',
  'encryption.rotation_finished': 'Key rotation finished',
  'encryption.data_key_retired': 'Data key retired',
  'encryption.backup_confirmed': 'Backup of the key confirmed',
  'health_check.requested': 'Health check requested',
  'health_run.requested': 'Check of all grants requested',
  'workflow.registered': 'Workflow registered',
  'workflow.disabled': 'Workflow disabled',
  'workflow.enabled': 'Workflow enabled',
  'credential.fetched': 'Token fetched',
  'credential.renewed': 'Rejected token reported',
  'credential.refused': 'Fetch refused',
  'audit.fetches_lost': 'Events of fetches were lost',
};

/** Words for a caller of the audit trail without its name. The id of an API key is shortened to its end. */
export function callerWords(actor: string): string {
  if (actor === 'broker') return 'the broker';
  if (actor === 'bootstrap') return 'ADMIN_API_KEY';
  if (actor.startsWith('api_key:')) return `API key …${actor.slice(-6)}`;
  return actor.startsWith('person:') ? actor.slice(actor.indexOf('#') + 1) : actor;
}
