import { pathOf } from '../../../client/transport/request-url.ts';
import type { Grant, RevokedGrants } from '../../../client/types/grant.ts';
import type { CommandContext } from '../../context.ts';
import { type SelectorOptions, selectorOf } from './calls.ts';
import { readGrants } from './list.ts';

export interface RevokeOptions extends SelectorOptions {
  reason?: string;
  dryRun?: boolean;
}

export async function revoke(context: CommandContext, name: string, options: RevokeOptions): Promise<void> {
  const { output, prompts } = context;
  const { subject, account, reason } = options;
  const api = await context.api();
  const grants = await readGrants(api, name, subject === undefined ? {} : { subject });
  const ending = grants.filter((grant) => isSelected(grant, options));
  if (options.dryRun) return output.list({ name: 'grants', items: ending, columns: [{ title: 'GRANT', text: label }] });
  output.say(ending.length === 0 ? `No grant of ${name} is selected.` : `Revoking grants of ${name}:`);
  for (const grant of ending) output.say(`  ${label(grant)}`);
  await prompts.confirmName(name, `Type ${name} to revoke`);
  const body = { ...selectorOf({ ...options }), reason };
  const path = pathOf('connections', name, 'revoke');
  const call = { method: 'POST', path, body } as const;
  const { body: done } = await prompts.progress('Revoking', () => api.call<RevokedGrants>(call));
  if (output.format !== 'people') return output.document(done, []);
  for (const { grant_id: id, revoked_at_provider: reached } of done.revoked) {
    output.say(`Revoked ${id}${reached ? ', also at the provider' : ''}.`);
  }
  if (done.revoked.length === 0)
    output.say(`Nothing was revoked${account === undefined ? '' : ` for account ${account}`}.`);
}

/** As the API selects: without a subject and an account, the grants without a subject. */
function isSelected(grant: Grant, { subject, account }: RevokeOptions): boolean {
  return grant.subject === (subject ?? null) && (account === undefined || grant.account_id === account);
}

function label({ grant_id: id, subject, account_name: name, account_id: account }: Grant): string {
  const parts = [subject === null ? undefined : `subject ${subject}`, name ?? account ?? undefined];
  return [id, ...parts.filter((part) => part !== undefined)].join(', ');
}
