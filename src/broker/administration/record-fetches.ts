import type { OrganizationId } from '../../domain/connections/connection.ts';
import type { CredentialFetch, OnFetch } from '../../domain/grants/credential-fetch.ts';
import type { AuditBatchWriter } from '../../domain/ports/audit.ts';
import { type FetchCount, fetchEvent, lostFetchesEvent } from './fetch-event.ts';

export interface RecordFetches {
  /** Keeps a fetch in memory. */
  onFetch: OnFetch;
  /**
   * Writes what is in memory. Rejects if the database refuses it: the next flush tries again. Called every second, and
   * when the process ends. A killed process loses the fetches since the last flush.
   */
  flush(): Promise<void>;
  /** Returns the number of events in memory. */
  waiting(): number;
}

export interface RecordFetchesDeps {
  audit: AuditBatchWriter;
  clock: () => Date;
  /** Receives the number of fetches whose events were dropped. */
  onLost: (fetches: number) => void;
  limits?: Partial<FetchLimits>;
}

export interface FetchLimits {
  /** Fetches of one kind in one interval that get an event each. The others of that interval share one. */
  singles: number;
  /** Events of one statement. More would hold a connection of the pool for longer than a request should wait. */
  batch: number;
  /**
   * Events that wait for the database, about a kilobyte each. Beyond it the oldest of the organisation with the most are
   * dropped: fetches of made-up subjects, which have an event each, must not push out the events of others.
   */
  waiting: number;
}

const defaults: FetchLimits = { singles: 20, batch: 1_000, waiting: 20_000 };

/** Fetches of one kind in the present interval, and the event that those beyond the singles share. */
interface Group {
  callerId: string;
  organizationId: OrganizationId;
  operation: CredentialFetch['operation'];
  refusal: CredentialFetch['refusal'];
  singles: number;
  shared: FetchCount | null;
}

/**
 * Records every fetch in the audit trail without a statement on its way. A caller that fetches the same credential
 * thousands of times a second costs a look-up in a map for each.
 */
export function createRecordFetches({ audit, clock, onLost, limits }: RecordFetchesDeps): RecordFetches {
  const { singles, batch, waiting: maxWaiting } = { ...defaults, ...limits };
  let groups: Groups = new Map();
  /** Events of the present interval: a shared one still grows. */
  let open: FetchCount[] = [];
  /** Events of earlier intervals, oldest first. */
  let waiting: FetchCount[] = [];
  let lost: LostFetches | null = null;
  let writing: Promise<void> | null = null;

  function onFetch(fetch: CredentialFetch): void {
    const group = groupOf(groups, fetch);
    if (group.shared !== null) {
      group.shared.fetches += 1;
      group.shared.until = fetch.at;
      return;
    }
    const counted = { fetch, fetches: 1, until: fetch.at };
    open.push(counted);
    if (group.singles < singles) group.singles += 1;
    else group.shared = counted;
  }

  function closeInterval(): void {
    groups = new Map();
    waiting = waiting.length === 0 ? open : waiting.concat(open);
    open = [];
    dropOldest();
  }

  function dropOldest(): void {
    if (waiting.length <= maxWaiting) return;
    const kept = withinShares(waiting, maxWaiting);
    const dropped = waiting.filter((counted) => !kept.has(counted));
    waiting = waiting.filter((counted) => kept.has(counted));
    const [first] = dropped;
    const last = dropped.at(-1);
    if (first === undefined || last === undefined) return;
    const fetches = dropped.reduce((sum, counted) => sum + counted.fetches, 0);
    lost = joined(lost, { fetches, since: first.fetch.at, until: last.until });
    onLost(fetches);
  }

  async function write(): Promise<void> {
    while (waiting.length > 0 || lost !== null) {
      const next = waiting.splice(0, batch);
      const reported = lost;
      lost = null;
      const events = next.map(fetchEvent);
      if (reported !== null) events.unshift(lostFetchesEvent(reported, clock()));
      try {
        await audit.appendAll(events);
      } catch (error) {
        waiting = next.concat(waiting);
        lost = joined(reported, lost);
        dropOldest();
        throw error;
      }
    }
  }

  return {
    onFetch,
    flush() {
      closeInterval();
      // A write that runs also takes what was added to the waiting events meanwhile.
      writing ??= write().finally(() => {
        writing = null;
      });
      return writing;
    },
    waiting: () => open.length + waiting.length,
  };
}

/** Selects the newest events, at most `max`: all of organisations with few, and an equal share of the others. */
function withinShares(events: readonly FetchCount[], max: number): ReadonlySet<FetchCount> {
  const byOwner = [...Map.groupBy(events, ({ fetch }) => fetch.actor.organizationId).values()];
  byOwner.sort((one, other) => one.length - other.length);
  let places = max;
  const kept = byOwner.flatMap((own, at) => {
    const share = Math.floor(places / (byOwner.length - at));
    const newest = own.slice(Math.max(0, own.length - share));
    places -= newest.length;
    return newest;
  });
  return new Set(kept);
}

interface LostFetches {
  fetches: number;
  since: Date;
  until: Date;
}

function joined(earlier: LostFetches | null, later: LostFetches | null): LostFetches | null {
  if (earlier === null || later === null) return earlier ?? later;
  return { fetches: earlier.fetches + later.fetches, since: earlier.since, until: later.until };
}

/**
 * Groups of an interval: by grant, by origin, then the few that differ in the rest. One long text as key would cost a
 * fetch three times as much.
 */
type Groups = Map<string, Map<string, Group[]>>;

function groupOf(groups: Groups, fetch: CredentialFetch): Group {
  const { caller, organizationId, trace } = fetch.actor;
  const { operation, refusal } = fetch;
  // Without a grant, fetches of different subjects differ in nothing else.
  const what = fetch.grantId ?? `${fetch.connectionName}\n${fetch.subject ?? ''}\n${fetch.accountId ?? ''}`;
  const address = trace.address ?? '';
  const where = fetch.workflow === null ? address : `${address}\n${fetch.workflow.id}`;
  const byOrigin = entryOf(groups, what, () => new Map<string, Group[]>());
  const alike = entryOf(byOrigin, where, (): Group[] => []);
  for (const group of alike) {
    if (
      group.callerId === caller.id &&
      group.organizationId === organizationId &&
      group.operation === operation &&
      group.refusal === refusal
    )
      return group;
  }
  const added = { callerId: caller.id, organizationId, operation, refusal, singles: 0, shared: null };
  alike.push(added);
  return added;
}

function entryOf<V>(map: Map<string, V>, key: string, create: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const created = create();
  map.set(key, created);
  return created;
}
