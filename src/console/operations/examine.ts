import type { ListFleetConnections } from '../../broker/administration/read-fleet-connections.ts';
import type { ReadFleetStats } from '../../broker/administration/read-fleet-stats.ts';
import type { ReadHealth } from '../../broker/administration/read-health.ts';
import type { ReadEncryption } from '../../broker/keys/read-encryption.ts';
import { type CheckResult, runChecks } from '../../doctor/check.ts';
import type { Encryption } from '../../doctor/checks/keys.ts';
import { checks } from '../../doctor/checks.ts';
import type { Endpoint, Ground, Access as KeyAccess, Reply, Service, Stats } from '../../doctor/ground.ts';
import { request } from '../../doctor/request.ts';
import { type Access, accessOf, authorize } from '../../domain/callers/access.ts';
import type { Caller } from '../../domain/callers/caller.ts';
import { isBrokerError } from '../../domain/errors.ts';
import { relativeTime } from '../layout/time.ts';
import { encryptionFacts, endpointsOf, healthFacts, readinessFacts } from './doctor-facts.ts';

export interface ExamineDeps extends ExamineUseCases {
  readHealth: ReadHealth;
  /** Version of the service. */
  version: string;
  /** PUBLIC_URL with BASE_PATH: the address that redirect URIs begin with, and the one in use. */
  baseUrl: () => string;
  /** The database's clock, which the service follows. */
  clock: () => Date;
  /** Clock of the machine of this process. */
  machineClock: () => Date;
}

export interface ExamineUseCases {
  readFleetStats: ReadFleetStats;
  readEncryption: ReadEncryption;
  listFleetConnections: ListFleetConnections;
}

/**
 * Runs the checks of the command `doctor` on use cases, within the caller's rights and organisations. A check without
 * the right it needs is skipped, and says which right that is. Reads no file, no variable, and no provider.
 */
export type Examine = (caller: Caller) => Promise<CheckResult[]>;

/** Connections on the one page that is read. */
const pageSize = 200;
const otherCaller = 'Sign in with admin:read, all organisations and the global scope.';

export function createExamine(deps: ExamineDeps): Examine {
  return async (caller) => runChecks(checks, await survey(deps, caller));
}

/**
 * Collects what the checks look at. All is read before the first check: an unexpected error then reaches the log and not
 * the page, which shows the message of a check that throws.
 */
async function survey(deps: ExamineDeps, caller: Caller): Promise<Ground> {
  const [service, stats, encryption, endpoints] = await Promise.all([
    readService(deps),
    readStats(deps, caller),
    readKeys(deps, caller),
    readEndpoints(deps, caller),
  ]);
  return {
    url: deps.baseUrl(),
    // Facts of the machine are not read here, whichever machine the browser is on.
    isLocal: false,
    machine: null,
    startFailures: [],
    service,
    access: accessOfReply(stats),
    read: async <Body>(path: string) => (path === '/admin/encryption' ? encryption : notThere) as Reply<Body>,
    endpoints: async () => endpoints,
    publicUrl: async () => ({ isRead: true, body: deps.baseUrl() }),
    request,
    ago: (time) => (time === null ? 'never' : relativeTime(new Date(time), deps.clock())),
  };
}

/** A caller without the right has a session that works: a missing right is no fault to report. */
function accessOfReply(reply: Reply<Stats>): KeyAccess {
  if (reply.isRead) return { state: 'accepted', stats: reply.body };
  const { found, next } = reply;
  return next === null ? { state: 'unknown', found } : { state: 'absent', found, next };
}

const notThere: Reply<never> = { isRead: false, found: 'The console does not read this.', next: null };

async function readService({ readHealth, version, clock, machineClock }: ExamineDeps): Promise<Service> {
  const [health, readiness] = await Promise.all([readHealth.health(), readHealth.readiness()]);
  const at = machineClock().getTime();
  return {
    state: 'answers',
    health: healthFacts(health, version, clock()),
    readiness: readinessFacts(readiness),
    clocks: { sentAt: at, receivedAt: at, date: at, timestamp: clock().getTime() },
  };
}

function readStats({ readFleetStats }: ExamineUseCases, caller: Caller): Promise<Reply<Stats>> {
  return replyOf(caller, accessOf.getFleetStats, async () => {
    const { failing } = await readFleetStats(caller);
    return { failing: { count: failing.count } };
  });
}

function readKeys({ readEncryption }: ExamineUseCases, caller: Caller): Promise<Reply<Encryption>> {
  return replyOf(caller, accessOf.readEncryption, async () => encryptionFacts(await readEncryption()));
}

function readEndpoints({ listFleetConnections }: ExamineUseCases, caller: Caller): Promise<Reply<Endpoint[]>> {
  return replyOf(caller, accessOf.listFleetConnections, async () => {
    const { connections } = await listFleetConnections(caller, {}, { limit: pageSize });
    return endpointsOf(connections);
  });
}

/** These reads are not audited. */
const noTrace = { requestId: null, address: null };

/** Reads if the caller has the right. Turns a refusal into its public message; any other error is a defect. */
async function replyOf<Body>(caller: Caller, access: Access, read: () => Promise<Body>): Promise<Reply<Body>> {
  try {
    authorize(caller, access, undefined, noTrace);
    return { isRead: true, body: await read() };
  } catch (error) {
    if (!isBrokerError(error)) throw error;
    return { isRead: false, found: error.message, next: error.code === 'forbidden' ? otherCaller : null };
  }
}
