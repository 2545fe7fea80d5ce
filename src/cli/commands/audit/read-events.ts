import { setTimeout as sleep } from 'node:timers/promises';
import type { Query } from '../../../client/transport/request-url.ts';
import type { Api } from '../../api.ts';
import { exitCodeOf, exitCodes } from '../../exit-codes.ts';

export interface AuditEvent {
  id: string;
  time: string;
  actor: string;
  action: string;
  organization_id: string | null;
  connection_id: string | null;
  connection_name: string | null;
  grant_id: string | null;
  outcome: string;
  details: Record<string, unknown>;
  request_id: string | null;
  address: string | null;
}

interface EventPage {
  audit_events: AuditEvent[];
  next_cursor: string | null;
}

const pageSize = 200;
const intervalMs = 1000;
/** Events may be committed this much later than their time says, by another process. */
const overlapMs = 60_000;

/** Reads the latest events, oldest first. */
export async function readLatest(api: Api, query: Query, limit: number): Promise<AuditEvent[]> {
  const events: AuditEvent[] = [];
  for (let cursor: string | null | undefined; cursor !== null && events.length < limit; ) {
    const size = Math.min(pageSize, limit - events.length);
    const page = await readPage(api, { ...query, limit: size, cursor });
    events.push(...page.audit_events);
    cursor = page.next_cursor;
  }
  return events.reverse();
}

async function readPage(api: Api, query: Query): Promise<EventPage> {
  return (await api.call<EventPage>({ method: 'GET', path: '/admin/audit-events', query })).body;
}

/** Hands on each new event once, until the process ends. A broker that is out of reach for a while is asked again. */
export async function followEvents(
  api: Api,
  query: Query,
  known: readonly AuditEvent[],
  print: (event: AuditEvent) => void,
  warn: (words: string) => void,
): Promise<never> {
  const startedAt = Date.now();
  const seen = new Map(known.map(({ id, time }) => [id, time]));
  let newest = known.at(-1)?.time ?? new Date(startedAt).toISOString();
  for (;;) {
    await sleep(intervalMs);
    const from = new Date(Date.parse(newest) - overlapMs).toISOString();
    const events = await readFrom(api, { ...query, from: laterOf(from, query.from) }, warn);
    for (const event of events.filter(({ id }) => !seen.has(id))) {
      seen.set(event.id, event.time);
      if (event.time > newest) newest = event.time;
      print(event);
    }
    for (const [id, time] of seen) if (Date.parse(time) < Date.parse(newest) - 2 * overlapMs) seen.delete(id);
  }
}

function laterOf(time: string, other: Query[string]): string {
  return typeof other === 'string' && other > time ? other : time;
}

async function readFrom(api: Api, query: Query, warn: (words: string) => void): Promise<AuditEvent[]> {
  try {
    return await readLatest(api, query, Number.POSITIVE_INFINITY);
  } catch (error) {
    if (exitCodeOf(error) !== exitCodes.tryLater) throw error;
    warn('The broker is out of reach; trying again.');
    return [];
  }
}
