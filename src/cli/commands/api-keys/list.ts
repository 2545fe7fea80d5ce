import type { Api } from '../../api.ts';
import type { CommandContext } from '../../context.ts';
import { relativeTime } from '../../output/relative-time.ts';

export interface ApiKey {
  id: string;
  name: string;
  permissions: string[];
  organizations: '*' | string[];
  global: boolean;
  connections: string[] | null;
  created_by: string;
  created_at: string;
  expires_at: string | null;
  rate_limit_per_minute: number | null;
  last_used_at: string | null;
  revoked_at: string | null;
}

export async function listApiKeys(context: CommandContext): Promise<void> {
  const items = await readApiKeys(await context.api());
  await context.output.list<ApiKey>({
    name: 'api_keys',
    items,
    empty: 'No API keys.',
    columns: [
      { title: 'ID', text: ({ id }) => id },
      { title: 'NAME', text: ({ name }) => name },
      { title: 'SCOPE', text: scopeText },
      { title: 'USED', text: ({ last_used_at: at }) => relativeTime(at) },
      { title: 'EXPIRES', text: ({ expires_at: at }) => relativeTime(at) },
      { title: 'REVOKED', text: ({ revoked_at: at }) => relativeTime(at) },
      { title: 'PERMISSIONS', text: ({ permissions }) => permissions.join(' ') },
    ],
  });
}

export async function readApiKeys(api: Api): Promise<ApiKey[]> {
  return (await api.call<{ api_keys: ApiKey[] }>({ method: 'GET', path: '/admin/api-keys' })).body.api_keys;
}

export function scopeText({ organizations, global }: ApiKey): string {
  const named = organizations === '*' ? ['all organisations'] : organizations;
  return [...named, ...(global ? ['global'] : [])].join(' ');
}
