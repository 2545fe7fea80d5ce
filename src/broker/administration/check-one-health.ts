import type { Caller, Trace } from '../../domain/callers/caller.ts';
import type { Connection, OrganizationId } from '../../domain/connections/connection.ts';
import { BrokerError } from '../../domain/errors.ts';
import type { Grant } from '../../domain/grants/grant.ts';
import { type NextAction, nextActionToConnect } from '../../domain/next-action.ts';
import type { FleetReader } from '../../domain/ports/fleet.ts';
import type { CheckedHealth, HealthChange, HealthStore } from '../../domain/ports/maintenance/health.ts';
import type { Database } from '../../domain/ports/stores.ts';
import { eventOf } from '../audit-event.ts';
import type { GrantView, ViewGrant } from '../grants/grant-view.ts';
import { type JudgeGrants, type Judgement, recordsOf, reportChanges } from '../maintenance/judge-grants.ts';

/** A grant after its check. `result` is that of this check; `health` is what is recorded. */
export interface CheckedGrant extends CheckedHealth {
  grant: GrantView;
  result: 'healthy' | 'unhealthy' | 'skipped';
  /** Reason of a check without a result. */
  reason: string | null;
  nextAction: NextAction;
}

export interface HealthReport extends CheckedHealth {
  kind: 'connection' | 'grant';
  connection: Connection;
  /** Owner of the connection or of the grant. */
  organizationId: OrganizationId;
  nextAction: NextAction;
  grants: CheckedGrant[];
  /** False if the connection has more grants. */
  isComplete: boolean;
}

/**
 * Checks one grant at once, or the first grants of one connection that the caller reaches. Throws connection_not_found,
 * also for an id beyond the caller's organisations.
 */
export type CheckOneHealth = (caller: Caller, id: string, trace: Trace) => Promise<HealthReport>;

export interface CheckOneHealthDeps {
  database: Database;
  fleet: Pick<FleetReader, 'findGrant' | 'findConnection'>;
  health: Pick<HealthStore, 'grantsOf' | 'read' | 'record'>;
  judgeGrants: JudgeGrants;
  viewGrant: ViewGrant;
  clock: () => Date;
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  onHealthChange: (change: HealthChange) => void;
}

/** Grants of one call, four at a time. More could exceed the time that a request may take. */
const maxGrants = 20;
/** Milliseconds after which no further probe starts. One that runs ends within its own limit of some 20 seconds. */
const startWithinMs = 30_000;

interface Target extends Pick<HealthReport, 'kind' | 'connection' | 'organizationId' | 'isComplete'> {
  grants: Grant[];
}

export function createCheckOneHealth(deps: CheckOneHealthDeps): CheckOneHealth {
  const { database, health, judgeGrants, clock, sleep, onHealthChange } = deps;
  return async (caller, id, trace) => {
    const target = await findTarget(deps, caller, id);
    const { kind, connection, organizationId, grants } = target;
    const late = new AbortController();
    const ended = new AbortController();
    void sleep(startWithinMs, ended.signal).then(
      () => late.abort(),
      () => undefined,
    );
    const judgements = await judgeGrants(target, { inBackground: false }, late.signal).finally(() => ended.abort());
    const records = recordsOf(judgements);
    reportChanges(onHealthChange, target, records, await health.record(records, clock()));
    const stored = await health.read(grants.map((grant) => grant.id));
    const checked = grants.map((grant) => toChecked(deps, grant, connection, judgements.get(grant.id), stored));
    const unhealthy = records.filter((record) => record.health === 'unhealthy').length;
    await database.write(organizationId, ({ audit }) =>
      audit.append(
        eventOf({ caller, organizationId, trace }, clock(), {
          action: 'health_check.requested',
          connection,
          ...(kind === 'grant' && { grantId: id }),
          details: { healthy: records.length - unhealthy, unhealthy, skipped: grants.length - records.length },
        }),
      ),
    );
    return { ...target, grants: checked, ...summaryOf(checked, connection) };
  };
}

async function findTarget({ fleet, health }: CheckOneHealthDeps, caller: Caller, id: string): Promise<Target> {
  const found = await fleet.findGrant(id, caller);
  if (found !== undefined) {
    const { grant, connection } = found;
    return { kind: 'grant', connection, organizationId: grant.organizationId, grants: [grant], isComplete: true };
  }
  const record = await fleet.findConnection(id, caller);
  if (record === undefined) {
    throw BrokerError.of('connection_not_found', 'There is no connection and no grant with that id.');
  }
  const { connection } = record;
  const grants = await health.grantsOf(id, caller, maxGrants + 1);
  return {
    kind: 'connection',
    connection,
    organizationId: connection.organizationId,
    grants: grants.slice(0, maxGrants),
    isComplete: grants.length <= maxGrants,
  };
}

function toChecked(
  { viewGrant }: CheckOneHealthDeps,
  grant: Grant,
  connection: Connection,
  judgement: Judgement | undefined,
  stored: ReadonlyMap<string, CheckedHealth>,
): CheckedGrant {
  const view = viewGrant(grant, connection);
  const now = stored.get(grant.id) ?? { health: grant.health, error: grant.healthError, lastCheckAt: null };
  const record = judgement?.record ?? null;
  const late = 'The time of the request was over before this grant was reached.';
  return {
    ...now,
    grant: view,
    result: record?.health ?? 'skipped',
    reason: record === null ? (judgement?.record === null ? judgement.reason : late) : null,
    nextAction: view.nextAction === 'none' ? nextActionOfHealth(now, connection) : view.nextAction,
  };
}

/** A token that the provider rejects needs a person, even while the status of the grant does not know. */
function nextActionOfHealth({ health, error }: CheckedHealth, { settings: { flow } }: Connection): NextAction {
  if (health !== 'unhealthy') return 'none';
  return /^(unreachable|unavailable): /.test(error ?? '') ? 'wait' : nextActionToConnect(flow);
}

/** Takes the values of the grant that is worst off: unhealthy ones first, then unchecked ones. */
function summaryOf(
  checked: readonly CheckedGrant[],
  { settings: { flow } }: Connection,
): CheckedHealth & { nextAction: NextAction } {
  const worst =
    checked.find(({ health, nextAction }) => health === 'unhealthy' && nextAction !== 'wait') ??
    checked.find(({ health }) => health === 'unhealthy') ??
    checked.find(({ health }) => health === null) ??
    checked[0];
  if (worst === undefined)
    return { health: null, error: null, lastCheckAt: null, nextAction: nextActionToConnect(flow) };
  const { health, error, lastCheckAt, nextAction } = worst;
  return { health, error, lastCheckAt, nextAction };
}
