import { pathOf } from '../../../client/transport/request-url.ts';
import type { Grant, GrantList } from '../../../client/types/grant.ts';
import type { Api, ApiCall } from '../../api.ts';
import type { CommandContext } from '../../context.ts';
import type { Column } from '../../output/columns.ts';
import { relativeTime } from '../../output/relative-time.ts';
import { printPages, readPages } from '../../read-pages.ts';
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
  const list = { name: 'grants', columns };
  await printPages<GrantList, Grant>(context, listCall(name, options), ({ grants }) => grants, list);
}

export async function readGrants(api: Api, name: string, options: GrantListOptions): Promise<Grant[]> {
  const items: Grant[] = [];
  for await (const { grants } of readPages<GrantList>(api, listCall(name, options))) items.push(...grants);
  return items;
}

function listCall(name: string, { status, subject, query: q }: GrantListOptions): ApiCall {
  return { method: 'GET', path: pathOf('connections', name, 'grants'), query: { status, subject, q } };
}
