import { renewedGrant } from '../../domain/grants/grant.ts';
import type { GrantSignals, GrantWatch, LeasedGrant, RefreshStore } from '../../domain/ports/engine.ts';
import type { CallPriority } from '../../domain/ports/oauth.ts';
import type { SpooledTokens } from '../../domain/ports/spool.ts';
import type { CallProvider } from './refresh-call.ts';
import type { RefreshDemand } from './refresh-demand.ts';
import { type RefreshResult, resultWithoutSuccess } from './refresh-result.ts';
import { releaseOnError } from './release-on-error.ts';
import { resultWithoutCall } from './result-without-call.ts';

export interface UnderLeaseDeps {
  store: RefreshStore;
  signals: GrantSignals;
  callProvider: CallProvider;
  /** Returns the newest token set that this process obtained for the grant if its row does not contain it yet. */
  unsaved: (grantId: string) => SpooledTokens | undefined;
  clock: () => Date;
  /** Name of the second token set that `store` shows; absent for the main one. */
  sibling?: string;
  /** Unique among processes, and different from this process's earlier incarnations. */
  instanceId: string;
  newNonce: () => string;
  /**
   * Must exceed the longest provider call plus its persisting. A lease that lapses mid-call lets a second process spend
   * the same refresh token.
   */
  leaseMs: number;
}

/** Minimum wait, in milliseconds. A lease that has lapsed only by this process's clock would cause a busy loop. */
const shortestWaitMs = 500;
/**
 * Milliseconds in which a lease holder saves its token set after an outage of the database, pauses between tries
 * included. Must be shorter than any lease. If it is too short, the old refresh token is sent a second time.
 */
const lateSaveMs = 10_000;
/**
 * Minimum wait, in milliseconds, for a late save after a lease lapsed. A fault may refuse the holder's write and leave
 * every connection open. Must exceed the holder's pauses between its tries, which are 2 s at most.
 */
const lateSaveLeastMs = 5_000;

/** Takes the lease and refreshes, or waits for its holder. Must run at most once at a time per grant and process. */
export async function refreshUnderLease(
  deps: UnderLeaseDeps,
  grantId: string,
  demand: RefreshDemand,
  priority: CallPriority,
): Promise<RefreshResult> {
  const { store, signals, instanceId, newNonce, leaseMs } = deps;
  const owner = `${instanceId}/${newNonce()}`;
  const attempt: Attempt = async (version, failuresBefore) => {
    const held = await resultOfUnsaved(deps, grantId, demand);
    if (held !== undefined) return held;
    const leased = await store.acquire(grantId, owner, leaseMs, version);
    if (leased === undefined) return undefined;
    if (!(await releaseOnError(store, leased, owner, () => waitForLateSave(deps, leased))))
      return refreshLeased(deps, leased, owner, demand, priority, failuresBefore);
    // The late save has arrived or never will. The row shows which.
    await store.release(leased, owner);
    return attempt(undefined, failuresBefore);
  };
  const result = await attempt(demand.seenVersion, undefined);
  if (result !== undefined) return result;
  // Watch before reading the row: a notification from here on ends the wait.
  const watch = signals.watch(grantId);
  try {
    return await waitForAnother(deps, grantId, demand, watch, attempt);
  } finally {
    watch.end();
  }
}

/**
 * Returns the token set that the database has not stored yet, while the row still has the version it was built on: an
 * edit or a revocation ends it. The stored refresh token is spent and must not be sent meanwhile. While another token set
 * of the grant is not stored, this one is not refreshed either: they share the version.
 */
export async function resultOfUnsaved(
  {
    store,
    unsaved,
    clock,
    sibling,
  }: Pick<UnderLeaseDeps, 'unsaved' | 'clock' | 'sibling'> & {
    store: Pick<RefreshStore, 'find'>;
  },
  grantId: string,
  demand: RefreshDemand,
): Promise<RefreshResult | undefined> {
  const entry = unsaved(grantId);
  const current = entry && (await store.find(grantId))?.grant;
  if (entry === undefined || current?.version !== entry.base.version) return undefined;
  const isOwn = entry.sibling === sibling;
  const grant = isOwn ? renewedGrant(current, entry.tokens, entry.event.time) : current;
  return demand.isSatisfiedBy(grant) ? { kind: 'fresh', grant } : resultWithoutSuccess(grant, clock());
}

/** Tries to take the lease. `failuresBefore`: the grant's failures when the wait for another process began. */
type Attempt = (version: number | undefined, failuresBefore: number | undefined) => Promise<RefreshResult | undefined>;

async function waitForAnother(
  { store, clock }: UnderLeaseDeps,
  grantId: string,
  demand: RefreshDemand,
  watch: GrantWatch,
  attempt: Attempt,
): Promise<RefreshResult> {
  let failuresBefore: number | undefined;
  for (;;) {
    const current = (await store.find(grantId))?.grant;
    if (current === undefined) return { kind: 'gone' };
    if (demand.isSatisfiedBy(current)) return { kind: 'fresh', grant: current };
    failuresBefore ??= current.consecutiveFailures;
    // The other process called the provider and failed. Its failure counts for all waiting readers.
    if (current.consecutiveFailures > failuresBefore) return resultWithoutSuccess(current, clock());
    const result = await attempt(demand.seenVersion === undefined ? undefined : current.version, failuresBefore);
    if (result !== undefined) return result;
    const lapsesInMs = (current.leaseUntil?.getTime() ?? 0) - clock().getTime();
    await watch.changed(Math.max(lapsesInMs, shortestWaitMs));
  }
}

/**
 * Waits for a token set that a previous lease holder may still save. After a fault of the database leases have lapsed,
 * but their holders may have a rotated token: sending the old one would end the grant. Keeps the lease
 * meanwhile, so no third process sends it; the previous holder saves by version and needs no lease. Returns false if no
 * wait was needed.
 */
async function waitForLateSave({ store, signals, clock }: UnderLeaseDeps, leased: LeasedGrant): Promise<boolean> {
  const { id, version } = leased.grant;
  if (!leased.lapsed || !leased.interrupted) return false;
  const waitMs = Math.max(lateSaveMs - signals.connectedForMs(), lateSaveLeastMs);
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
  deps: UnderLeaseDeps,
  leased: LeasedGrant,
  owner: string,
  demand: RefreshDemand,
  priority: CallPriority,
  failuresBefore: number | undefined,
): Promise<RefreshResult> {
  const { store, callProvider } = deps;
  const early = await releaseOnError(store, leased, owner, () =>
    resultWithoutCall(deps, leased, demand, priority, failuresBefore),
  );
  if (early === undefined) return callProvider(leased, owner, priority);
  await store.release(leased, owner);
  return early;
}
