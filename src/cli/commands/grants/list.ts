import { pathOf } from '../../../client/transport/request-url.ts';
import type { Grant, GrantList } from '../../../client/types/grant.ts';
import type { Api } from '../../api.ts';
import type { CommandContext } from '../../context.ts';
import type { Column } from '../../output/columns.ts';
import { relativeTime } from '../../output/relative-time.ts';
import { readPages } from '../../read-pages.ts';
import { statusFormat, statusText } from '../status.ts';

export interface GrantListOptions {
  status?: string;
  subject?: string;
  query?: string;
}

const columns: readonly Column<Grant>[] = [
  { title: 'GRANT', text: ({ grant_id: id }) => id },
  { title: 'SUBJECT', text: ({ subject }) => subject },
  { title: 'ACCOUNT', text: ({ account_name: name, account_id: id }) => name ?? id },
  { title: 'STATUS', text: statusText, format: statusFormat },
  { title: 'NEXT', text: ({ next_action: action }) => (action === 'none' ? null : action) },
  { title: 'EXPIRES', text: ({ expires_at: at }) => relativeTime(at) },
  { title: 'REFRESHED', text: ({ last_refresh_at: at }) => relativeTime(at) },
];

export async function listGrants(context: CommandContext, name: string, options: GrantListOptions): Promise<void> {
  const items = await readGrants(await context.api(), name, options);
  await context.output.list({ name: 'grants', items, columns });
}

export async function readGrants(api: Api, name: string, options: GrantListOptions): Promise<Grant[]> {
  const { status, subject, query: q } = options;
  const path = pathOf('connections', name, 'grants');
  const items: Grant[] = [];
  for await (const { grants } of readPages<GrantList>(api, { method: 'GET', path, query: { status, subject, q } })) {
    items.push(...grants);
  }
  return items;
}
