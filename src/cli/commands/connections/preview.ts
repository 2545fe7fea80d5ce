import type { ChangePreview } from '../../../client/types/connection.ts';
import type { Output } from '../../output/output.ts';

/** Shows on stderr what a change would do. */
export function sayPreview({ say, warn, style }: Output, { changes, effects, warnings }: ChangePreview): void {
  for (const change of changes) {
    const difference = 'changed' in change ? 'changed' : `${valueText(change.from)} → ${valueText(change.to)}`;
    say(`  ${style('cyan', change.field)}  ${difference}`);
  }
  for (const effect of effectTexts(effects)) say(`  ${style('yellow', '!')} ${effect}`);
  for (const { code, message } of warnings) warn(`${code}: ${message}`);
}

export function effectTexts(effects: ChangePreview['effects']): string[] {
  const {
    grants_disconnected: grants,
    organizations_disconnected: organizations,
    authorizations_voided: authorizations,
    workflows_disabled: workflows,
  } = effects;
  return [
    ...(grants > 0 ? [`disconnects ${count(grants, 'grant')} in ${count(organizations, 'organisation')}`] : []),
    ...(authorizations > 0 ? [`voids ${count(authorizations, 'started authorization')}`] : []),
    ...(workflows > 0 ? [`disables ${count(workflows, 'workflow')}`] : []),
    ...(effects.revoked_at_provider ? ['revokes the tokens at the provider'] : []),
    ...(effects.client_secret_required ? ['needs the client secret again'] : []),
  ];
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function valueText(value: unknown): string {
  if (value === null || value === undefined) return 'none';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Prints a preview as the result of --dry-run. */
export async function printPreview(output: Output, preview: ChangePreview): Promise<void> {
  if (output.format !== 'people') return output.document(preview, []);
  sayPreview(output, preview);
  output.say('Nothing was changed: this was a dry run.');
}
