import type { CommandContext } from '../../context.ts';
import { CommandFailure, exitCodes } from '../../exit-codes.ts';
import { cleanText } from '../../output/clean-text.ts';
import { type AuditEvent, followEvents, readLatest } from './read-events.ts';

export interface AuditOptions {
  actor?: string;
  action?: string;
  connection?: string;
  grant?: string;
  outcome?: string;
  from?: string;
  to?: string;
  limit: number;
  all?: boolean;
  follow?: boolean;
}

export async function audit(context: CommandContext, options: AuditOptions): Promise<void> {
  const { output } = context;
  if (options.follow && (output.format === 'json' || options.to !== undefined || options.all)) {
    throw new CommandFailure('--follow never ends: it takes --ndjson, and no --json, --to or --all.', exitCodes.usage);
  }
  const api = await context.api();
  const query = queryOf(context, options);
  const print = (event: AuditEvent) => output.item(event, eventText(event));
  if (options.all) {
    for await (const event of api.lines({ method: 'GET', path: '/admin/audit-events', query }))
      output.raw(`${JSON.stringify(event)}\n`);
    return;
  }
  const latest = await readLatest(api, query, options.limit);
  if (output.format === 'json') return output.list({ name: 'audit_events', items: latest, columns: [] });
  for (const event of latest) print(event);
  if (options.follow) await followEvents(api, query, latest, print, output.warn);
  else if (latest.length === 0) output.say('No events.');
}

function queryOf(context: CommandContext, options: AuditOptions) {
  return {
    actor: options.actor,
    action: options.action,
    connection_name: options.connection,
    grant_id: options.grant,
    outcome: options.outcome,
    from: options.from,
    to: options.to,
    // The header alone selects no events: this route lists those of all organisations of the key.
    organization_id: context.organization,
  };
}

/** One line an event: a stream cannot align columns that it does not know yet. */
function eventText(event: AuditEvent): string {
  const {
    time,
    actor,
    action,
    organization_id: owner,
    connection_name: name,
    grant_id: grant,
    outcome,
    details,
  } = event;
  const about = [owner, name, grant].filter((part) => part !== null).join(' ');
  const more = Object.entries(details).map(
    ([field, value]) => `${field}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return cleanText(
    [time, outcome === 'success' ? ' ' : '!', action, about, `by ${actor}`, ...more]
      .filter((part) => part !== '')
      .join(' '),
  );
}
