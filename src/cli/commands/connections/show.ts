import { pathOf } from '../../../client/transport/request-url.ts';
import type { Connection } from '../../../client/types/connection.ts';
import type { CommandContext } from '../../context.ts';
import { dueTime, relativeTime } from '../../output/relative-time.ts';
import { statusText } from '../status.ts';

export async function showConnection(context: CommandContext, name: string): Promise<void> {
  const api = await context.api();
  const { body } = await api.call<Connection>({ method: 'GET', path: pathOf('connections', name) });
  await context.output.document(body, connectionFacts(body));
}

/** Facts of a connection for a person, in the order in which questions come up. Unset optional fields are left out. */
export function connectionFacts(connection: Connection): [string, unknown][] {
  const optional: [string, unknown][] = [
    ['message', connection.status_message],
    ['warnings', connection.warnings.map(({ code, message }) => `${code}: ${message}`)],
    ['last error', connection.last_error],
    ['health', connection.health_status],
    ['description', connection.description],
    ['managed by', connection.managed_by && connection.managed_by + (connection.drifted ? ' (edited by hand)' : '')],
    ['authorize params', connection.authorize_params],
    ['token params', connection.token_params],
    ['variables', connection.variables],
    ['test url', connection.test_url],
    ['revocation url', connection.revocation_url],
  ];
  return [
    ['name', connection.connection_name],
    ['organisation', connection.organization_id ?? 'global'],
    ['status', statusText(connection)],
    ['next action', connection.next_action],
    ['provider', connection.provider],
    ['flow', connection.oauth_flow_type],
    ['client id', connection.client_id],
    ['client secret', connection.has_client_secret ? 'set' : 'none'],
    ['scopes', connection.scopes.join(' ')],
    ['redirect uri', connection.redirect_uri],
    ['authorization url', connection.authorization_url],
    ['token url', connection.token_url],
    ['expires', relativeTime(connection.expires_at)],
    ['refreshed', relativeTime(connection.last_refresh_at)],
    ['next refresh', dueTime(connection.next_refresh_at)],
    ...optional.filter(([, value]) => hasContent(value)),
    ['created', `${relativeTime(connection.created_at)} by ${connection.created_by}`],
    ['changed', relativeTime(connection.updated_at)],
  ];
}

function hasContent(value: unknown): boolean {
  if (value === null || value === undefined || value === '') return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}
