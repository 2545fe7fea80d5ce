import type { ListAuditEvents } from '../../broker/administration/list-audit-events.ts';
import type { StoredAuditEvent } from '../../domain/audit.ts';
import { accessOf } from '../../domain/callers/access.ts';
import type { Visit } from '../server/visit.ts';

/** Fetches of one caller. */
export interface CallerFetches {
  actor: string;
  fetches: number;
  last: Date;
  /** Workflows that the fetches named. */
  workflows: readonly string[];
}

export interface RecentFetches {
  callers: readonly CallerFetches[];
  /** False if there are more events than are read. */
  isComplete: boolean;
}

/** A connection by name and id, or one of its grants. The id tells an earlier connection of the same name apart. */
export type Fetched = { connectionName: string; connectionId: string; grantId?: string };

/** A day: a caller that runs once a night is among them. */
const spanMs = 24 * 3_600_000;
const pageSize = 200;
/** Bounds the reads of a connection that is fetched many times a minute. */
const maxPages = 5;

/** Counts who fetched tokens in the last day; null if the visitor may not read the audit trail. */
export async function readRecentFetches(
  listAuditEvents: ListAuditEvents,
  { caller, now, may }: Visit,
  { connectionName, connectionId, grantId }: Fetched,
): Promise<RecentFetches | null> {
  if (!may(accessOf.listAuditEvents)) return null;
  const selection = {
    action: 'credential.fetched' as const,
    connectionName,
    from: new Date(now.getTime() - spanMs),
    ...(grantId !== undefined && { grantId }),
  };
  const events: StoredAuditEvent[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < maxPages && (page === 0 || cursor !== null); page += 1) {
    const found = await listAuditEvents(caller, selection, { limit: pageSize, ...(cursor !== null && { cursor }) });
    events.push(...found.events.filter((event) => event.connectionId === connectionId));
    cursor = found.nextCursor;
  }
  return { callers: callersOf(events), isComplete: cursor === null };
}

function callersOf(events: readonly StoredAuditEvent[]): CallerFetches[] {
  return [...Map.groupBy(events, ({ actor }) => actor)]
    .map(([actor, own]) => ({
      actor,
      fetches: own.reduce((sum, { details }) => sum + countOf(details.fetches), 0),
      last: new Date(Math.max(...own.map(({ time }) => time.getTime()))),
      workflows: [...new Set(own.flatMap(({ details }) => workflowOf(details)))],
    }))
    .sort((one, other) => other.fetches - one.fetches);
}

/** One event can stand for several fetches alike. */
const countOf = (fetches: unknown) => (typeof fetches === 'number' ? fetches : 1);

function workflowOf({ workflow_id: id, workflow_name: name }: StoredAuditEvent['details']): string[] {
  return [name, id].filter((each): each is string => typeof each === 'string').slice(0, 1);
}
