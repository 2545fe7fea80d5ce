import type { Grant } from '../domain/grant.ts';
import type { GrantSignals, GrantWatch, LeasedGrant, RefreshStore } from '../domain/ports/engine.ts';
import type { CallOrder } from '../domain/ports/oauth.ts';
import { isWorthAsking } from '../domain/serving.ts';
import { forcedRefreshLimit } from './force-limit.ts';
import type { CallProvider } from './refresh-call.ts';
import type { RefreshResult } from './refresh-result.ts';

export interface RefreshDemand {
  /** Judged on the row after the lease was taken: whoever held it before has probably refreshed already. */
  isSatisfiedBy: (grant: Grant) => boolean;
  /** True calls the provider although retry_at lies ahead, as often as the limit lets it. */
  force: boolean;
  /**
   * The version found lacking. Where the row has moved on since, nothing is leased or written to find that out: of many
   * who were told late, each costs a select.
   */
  seenVersion?: number;
}

export interface UnderLeaseDeps {
  store: RefreshStore;
  signals: GrantSignals;
  callProvider: CallProvider;
  /** Resolves once the grant's row is no longer behind what this process holds for it. */
  settled: (grantId: string) => Promise<void>;
  clock: () => Date;
  /** Unlike any other process's, and unlike this one's earlier incarnation's. */
  instanceId: string;
  newNonce: () => string;
  /** Must exceed the longest a call and its persisting may take: a lease that lapses mid-call lets a second caller spend the same refresh token. */
  leaseMs: number;
}

/** A lease that has lapsed by this process's clock, which may be ahead, but not by the database's. */
const shortestWaitMs = 500;
const soonMs = 5_000;
/**
 * Longer than whoever holds a token that the database was away for takes to bring it there, pauses between tries included.
 * Shorter than any lease.
 */
const deliveryMs = 10_000;

/** Takes the lease and refreshes, or waits for whoever holds it. For one caller at a time per grant and process. */
export async function refreshUnderLease(
  deps: UnderLeaseDeps,
  grantId: string,
  demand: RefreshDemand,
  order: CallOrder,
): Promise<RefreshResult> {
  const { store, signals, settled, instanceId, newNonce, leaseMs } = deps;
  const owner = `${instanceId}/${newNonce()}`;
  const tryIt: TryIt = async (version, failuresBefore) => {
    await settled(grantId);
    const leased = await store.acquire(grantId, owner, leaseMs, version);
    if (leased === undefined) return undefined;
    if (!(await mayBeDelivered(deps, leased))) return refreshLeased(deps, leased, owner, demand, order, failuresBefore);
    // What was waited for has come, or never will: the row says which.
    await store.release(leased, owner);
    return tryIt(undefined, failuresBefore);
  };
  const result = await tryIt(demand.seenVersion, undefined);
  if (result !== undefined) return result;
  // Before the row is read: what is told from here on ends the wait for it.
  const watch = signals.watch(grantId);
  try {
    return await waitForAnother(deps, grantId, demand, watch, tryIt);
  } finally {
    watch.end();
  }
}

/** `failuresBefore`: how often it had failed when the waiting for another began. */
type TryIt = (version: number | undefined, failuresBefore: number | undefined) => Promise<RefreshResult | undefined>;

async function waitForAnother(
  { store, clock }: UnderLeaseDeps,
  grantId: string,
  demand: RefreshDemand,
  watch: GrantWatch,
  tryIt: TryIt,
): Promise<RefreshResult> {
  let failuresBefore: number | undefined;
  for (;;) {
    const current = (await store.find(grantId))?.grant;
    if (current === undefined) return { kind: 'gone' };
    if (demand.isSatisfiedBy(current)) return { kind: 'fresh', grant: current };
    failuresBefore ??= current.consecutiveFailures;
    // Whoever was waited for has asked the provider on behalf of all who waited.
    if (current.consecutiveFailures > failuresBefore) return withoutSuccess(current, clock());
    const result = await tryIt(demand.seenVersion === undefined ? undefined : current.version, failuresBefore);
    if (result !== undefined) return result;
    const lapsesInMs = (current.leaseUntil?.getTime() ?? 0) - clock().getTime();
    await watch.changed(Math.max(lapsesInMs, shortestWaitMs));
  }
}

function withoutSuccess(grant: Grant, now: Date): RefreshResult {
  if (grant.status !== 'completed') return { kind: 'failed', grant };
  return { kind: 'unavailable', grant, retryAt: grant.retryAt ?? new Date(now.getTime() + soonMs) };
}

/**
 * After an outage of the database its leases have lapsed, while their holders live and still have what the provider gave
 * them: sending the old token then would end the grant. The lease is kept meanwhile, so that no third process does it;
 * the holder writes by version, and needs no lease. False where nothing was waited for.
 */
async function mayBeDelivered({ store, signals, clock }: UnderLeaseDeps, leased: LeasedGrant): Promise<boolean> {
  const { id, version } = leased.grant;
  const waitMs = deliveryMs - signals.heardForMs();
  if (!leased.lapsed || !leased.interrupted || waitMs <= 0) return false;
  const until = clock().getTime() + waitMs;
  const leftMs = () => Math.min(waitMs, until - clock().getTime());
  const watch = signals.watch(id);
  try {
    while (leftMs() > 0 && (await store.find(id))?.grant.version === version) await watch.changed(leftMs());
  } finally {
    watch.end();
  }
  return true;
}

async function refreshLeased(
  { store, callProvider, clock }: UnderLeaseDeps,
  leased: LeasedGrant,
  owner: string,
  demand: RefreshDemand,
  order: CallOrder,
  failuresBefore: number | undefined,
): Promise<RefreshResult> {
  const early =
    withoutCalling(leased, demand, clock()) ??
    sharedFailure(leased.grant, failuresBefore, clock()) ??
    (demand.force ? await overLimit(store, leased) : undefined);
  if (early === undefined) return callProvider(leased, owner, order);
  await store.release(leased, owner);
  return early;
}

/** The one who was waited for may have failed, and let go, between the look at the row and the taking of its lease. */
function sharedFailure(grant: Grant, failuresBefore: number | undefined, now: Date): RefreshResult | undefined {
  const hasFailed = failuresBefore !== undefined && grant.consecutiveFailures > failuresBefore;
  return hasFailed ? withoutSuccess(grant, now) : undefined;
}

/** Counts the call that is about to be made; undefined where it may be. */
async function overLimit(
  store: Pick<RefreshStore, 'countForced'>,
  { grant }: LeasedGrant,
): Promise<RefreshResult | undefined> {
  const retryAfterMs = await store.countForced(grant.id, forcedRefreshLimit);
  return retryAfterMs === undefined ? undefined : { kind: 'limited', retryAfterMs };
}

/** What the row under the lease already decides; undefined where the provider has to be asked. */
function withoutCalling(
  { grant, connection }: LeasedGrant,
  demand: RefreshDemand,
  now: Date,
): RefreshResult | undefined {
  if (demand.isSatisfiedBy(grant)) return { kind: 'fresh', grant };
  const { flow } = connection.settings;
  // A client's own credentials can always be tried again on demand; a refresh token that was refused or revoked cannot.
  const mayInsist = demand.force && flow === 'client_credentials';
  if (!mayInsist && !isWorthAsking(grant, flow)) return { kind: 'failed', grant };
  if (!demand.force && grant.retryAt !== null && grant.retryAt > now)
    return { kind: 'unavailable', grant, retryAt: grant.retryAt };
  return undefined;
}
