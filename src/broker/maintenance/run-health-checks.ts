import type { OrganizationId } from '../../domain/connections/connection.ts';
import type { HealthChange } from '../../domain/ports/maintenance/health.ts';
import type {
  ClaimedRun,
  HealthCounts,
  HealthLane,
  HealthRun,
  HealthRunStore,
} from '../../domain/ports/maintenance/health-runs.ts';
import type { NewId } from '../../domain/ports/tokens.ts';
import { organizationsAtOnce, turnSize } from './check-health.ts';
import { type JudgeGrants, recordsOf, reportChanges } from './judge-grants.ts';

/**
 * Checks all grants for the unfinished run, in turns by organisation and connection. Its progress is stored turn by turn,
 * so a process that takes the run over repeats the turns in progress only. Returns null if no run is unfinished, or if
 * another process has claimed it. Rejects when `signal` aborts; another process then takes the run over at once.
 */
export type RunHealthChecks = (signal: AbortSignal) => Promise<HealthRun | null>;

export interface RunHealthChecksDeps {
  runs: HealthRunStore;
  counts: Pick<HealthCounts, 'fold'>;
  judgeGrants: JudgeGrants;
  newId: NewId;
  clock: () => Date;
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  onError: (error: unknown) => void;
  onHealthChange: (change: HealthChange) => void;
}

/** Interval in milliseconds in which the process shows that it is alive. Must stay well below the silence of the store. */
const keepEveryMs = 5_000;
/** Interval in milliseconds in which a process checks whether another one has fallen silent. */
const pollMs = 1_000;
/** Turns after which the counts of health are folded: at most 20,000 changes. */
const foldEvery = 100;

/** A claimed run in work. `stop` aborts once another process has claimed it, or a part of the work has failed. */
interface Work {
  run: ClaimedRun;
  stop: AbortController;
  signal: AbortSignal;
}

class RunLost extends Error {}

export function createRunHealthChecks(deps: RunHealthChecksDeps): RunHealthChecks {
  const { runs, counts } = deps;
  return async (signal) => {
    const run = await claimRun(deps, signal);
    if (run === null) return null;
    const stop = new AbortController();
    const work = { run, stop, signal: AbortSignal.any([signal, stop.signal]) };
    const ended = new AbortController();
    const keeping = keepClaim(deps, work, ended.signal);
    try {
      await checkAll(deps, work);
      await counts.fold();
      return await runs.finish(run);
    } catch (error) {
      if (stop.signal.reason instanceof RunLost) return null;
      // If this fails too, the run shows no progress, and another process claims it a little later.
      await runs.release(run).catch(deps.onError);
      throw error;
    } finally {
      ended.abort();
      await keeping;
    }
  };
}

/** Claims the run. Waits for another process that checks it, and replaces it if it falls silent. */
async function claimRun({ runs, newId, sleep }: RunHealthChecksDeps, signal: AbortSignal): Promise<ClaimedRun | null> {
  for (;;) {
    const result = await runs.claim(newId());
    if (result.kind === 'claimed') return result.run;
    if (result.kind === 'none') return null;
    await sleep(pollMs, signal);
  }
}

/** Shows progress during long turns. */
async function keepClaim(
  { runs, sleep, onError }: RunHealthChecksDeps,
  { run, stop }: Work,
  ended: AbortSignal,
): Promise<void> {
  for (;;) {
    // A rejected sleep means that the run has ended.
    await sleep(keepEveryMs, ended).catch(() => undefined);
    if (ended.aborted) return;
    try {
      if (!(await runs.keep(run))) return stop.abort(new RunLost());
    } catch (error) {
      onError(error);
    }
  }
}

async function checkAll(deps: RunHealthChecksDeps, work: Work): Promise<void> {
  const { runs, counts } = deps;
  while (await runs.listLanes(work.run)) work.signal.throwIfAborted();
  const lanes = openLanes(runs, work.run);
  let turns = 0;
  async function checkNext(): Promise<void> {
    for (let lane = await lanes.take(); lane !== undefined; lane = await lanes.take()) {
      await checkTurn(deps, work, lane);
      lanes.putBack(lane);
      turns += 1;
      if (turns % foldEvery === 0) await counts.fold();
    }
  }
  const places = Array.from({ length: organizationsAtOnce }, () =>
    checkNext().catch((error: unknown) => work.stop.abort(error)),
  );
  // Waits for all of them: no turn may be recorded after the run was given up.
  await Promise.all(places);
  work.signal.throwIfAborted();
}

/** Deals out the lanes, one of each organisation at a time. */
function openLanes(runs: HealthRunStore, run: ClaimedRun) {
  const busy = new Set<OrganizationId>();
  let behind: OrganizationId | undefined;
  let taking: Promise<unknown> = Promise.resolve();

  async function takeNext(): Promise<HealthLane | undefined> {
    const lane = await runs.nextLane(run, { behind, busy: [...busy] });
    if (lane === undefined) return undefined;
    behind = lane.organizationId;
    busy.add(behind);
    return lane;
  }

  return {
    /** One after the other: two that take at once would get the same lane. */
    take(): Promise<HealthLane | undefined> {
      const taken = taking.then(takeNext, takeNext);
      taking = taken;
      return taken;
    },
    putBack: ({ organizationId }: HealthLane) => void busy.delete(organizationId),
  };
}

async function checkTurn(
  { runs, judgeGrants, clock, onHealthChange }: RunHealthChecksDeps,
  { run, signal }: Work,
  lane: HealthLane,
): Promise<void> {
  signal.throwIfAborted();
  const page = await runs.grantsOf(lane, turnSize);
  const judgements = page && (await judgeGrants(page, { inBackground: true }, signal));
  // A turn that was cut short is not recorded: the next process repeats it.
  signal.throwIfAborted();
  const records = judgements === undefined ? [] : recordsOf(judgements);
  const turn = { next: page?.next ?? null, records, skipped: (judgements?.size ?? 0) - records.length };
  const replaced = await runs.recordTurn(run, lane, turn, clock());
  if (replaced === undefined) throw new RunLost();
  if (page !== undefined) reportChanges(onHealthChange, page, records, replaced);
}
