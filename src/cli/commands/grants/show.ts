import { pathOf } from '../../../client/transport/request-url.ts';
import type { Grant } from '../../../client/types/grant.ts';
import type { CommandContext } from '../../context.ts';
import { dueTime, relativeTime } from '../../output/relative-time.ts';
import { statusText } from '../status.ts';

export async function showGrant(context: CommandContext, name: string, id: string): Promise<void> {
  const api = await context.api();
  const { body } = await api.call<Grant>({ method: 'GET', path: pathOf('connections', name, 'grants', id) });
  await context.output.document(body, grantFacts(body));
}

export function grantFacts(grant: Grant): [string, unknown][] {
  return [
    ['grant', grant.grant_id],
    ['subject', grant.subject],
    ['account', grant.account_id],
    ['account name', grant.account_name],
    ['account verified', grant.account_verified],
    ['status', statusText(grant)],
    ['next action', grant.next_action],
    ['refreshable', grant.refreshable],
    ['warnings', grant.warnings.map(({ code, message }) => `${code}: ${message}`)],
    ['last error', grant.last_error],
    ['scopes', grant.scopes.join(' ')],
    ['expires', relativeTime(grant.expires_at)],
    ['refresh token expires', relativeTime(grant.refresh_expires_at)],
    ['refreshed', relativeTime(grant.last_refresh_at)],
    ['next refresh', dueTime(grant.next_refresh_at)],
    ['health', grant.health],
  ];
}
