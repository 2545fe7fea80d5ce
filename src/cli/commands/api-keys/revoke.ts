import { pathOf } from '../../../client/transport/request-url.ts';
import type { CommandContext } from '../../context.ts';
import { CommandFailure, exitCodes } from '../../exit-codes.ts';
import { relativeTime } from '../../output/relative-time.ts';
import { readApiKeys, scopeText } from './list.ts';

export interface RevokeKeyOptions {
  cascade?: boolean;
  dryRun?: boolean;
}

export async function revokeApiKey(context: CommandContext, id: string, options: RevokeKeyOptions): Promise<void> {
  const { output, prompts } = context;
  const api = await context.api();
  const key = (await readApiKeys(api)).find((found) => found.id === id);
  if (key === undefined) throw new CommandFailure(`There is no API key ${id}.`, exitCodes.notFound);
  const { name, last_used_at: usedAt } = key;
  output.say(`Revoking the key ${name} (${scopeText(key)}), last used ${relativeTime(usedAt)}.`);
  if (options.cascade) output.say('The keys that it created end too.');
  if (options.dryRun) return output.say('Nothing was changed: this was a dry run.');
  await prompts.confirmName(name, `Type ${name} to revoke it`);
  await api.call({
    method: 'DELETE',
    path: pathOf('admin', 'api-keys', id),
    query: { cascade: options.cascade === true },
  });
  output.say('Revoked.');
}
