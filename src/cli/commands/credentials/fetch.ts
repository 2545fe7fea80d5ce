import { pathOf } from '../../../client/transport/request-url.ts';
import type { Credential } from '../../../client/types/credential.ts';
import type { CommandContext } from '../../context.ts';
import { relativeTime } from '../../output/relative-time.ts';
import { statusText } from '../status.ts';
import { maskCredential } from './mask-credential.ts';

export interface FetchOptions {
  subject?: string;
  account?: string;
  minTtl?: number;
  scopes?: string;
  workflow?: string;
  reveal?: boolean;
}

export function selectionOf({ subject, account, minTtl, scopes }: FetchOptions) {
  return { subject, account_id: account, min_ttl: minTtl, scopes: scopes?.split(/[\s,]+/) };
}

export async function fetchCredential(context: CommandContext, name: string, options: FetchOptions): Promise<void> {
  const { output } = context;
  const api = await context.api();
  const headers: Record<string, string> = options.workflow === undefined ? {} : { 'x-workflow-id': options.workflow };
  const path = pathOf('credentials', name);
  const { body } = await api.call<Credential>({ method: 'GET', path, query: selectionOf(options), headers });
  // A person who asks for the token mostly hands it to a program: stdout holds it alone.
  if (options.reveal && output.format === 'people') return output.raw(`${body.access_token}\n`);
  const shown = options.reveal ? body : maskCredential(body);
  await output.document(shown, [
    ['connection', shown.connection_name],
    ['organisation', shown.grant_organization_id ?? 'global'],
    ['subject', shown.subject],
    ['account', shown.account_id],
    ['token', `${shown.access_token} (${shown.token_type}; --reveal prints it)`],
    ['expires', relativeTime(shown.expires_at)],
    ['scopes', shown.scopes.join(' ')],
    ['status', statusText(shown)],
    ...Object.entries(shown.extra).map(([field, value]): [string, unknown] => [`extra.${field}`, value]),
  ]);
}
