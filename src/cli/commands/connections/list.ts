import type { ConnectionList, ConnectionSummary } from '../../../client/types/connection.ts';
import type { CommandContext } from '../../context.ts';
import type { Column } from '../../output/columns.ts';
import { relativeTime } from '../../output/relative-time.ts';
import { printPages } from '../../read-pages.ts';
import { statusFormat, statusText } from '../status.ts';

export interface ListOptions {
  status?: string;
  provider?: string;
  flow?: string;
  query?: string;
  own?: boolean;
}

const columns: readonly Column<ConnectionSummary>[] = [
  { title: 'NAME', text: ({ connection_name: name }) => name },
  { title: 'PROVIDER', text: ({ provider }) => provider },
  {
    title: 'ORGANISATION',
    text: ({ organization_id: id, shadowed }) => (id ?? 'global') + (shadowed ? ' (shadowed)' : ''),
  },
  { title: 'STATUS', text: statusText, format: statusFormat },
  { title: 'NEXT', text: ({ next_action: action }) => (action === 'none' ? null : action) },
  { title: 'EXPIRES', text: ({ expires_at: at }) => relativeTime(at) },
  { title: 'REFRESHED', text: ({ last_refresh_at: at }) => relativeTime(at) },
];

export async function listConnections(context: CommandContext, options: ListOptions): Promise<void> {
  const { status, provider, flow, query: q, own } = options;
  const query = { status, provider, flow, q, include_global: own ? false : undefined };
  await printPages<ConnectionList, ConnectionSummary>(
    context,
    { method: 'GET', path: '/connections', query },
    ({ connections }) => connections,
    { name: 'connections', columns, members: (count) => ({ count }) },
  );
}
