import { createCheckOneHealth } from '../administration/check-one-health.ts';
import { createReadHealthStats } from '../administration/read-health-stats.ts';
import { createRequestHealthRun, createResumeHealthRun } from '../administration/request-health-run.ts';
import { createViewGrant } from '../grants/grant-view.ts';
import { createCheckHealth } from '../maintenance/check-health.ts';
import { createDiscardUnconfirmed } from '../maintenance/discard-unconfirmed.ts';
import { createJudgeGrants } from '../maintenance/judge-grants.ts';
import { createMaintainAudit } from '../maintenance/maintain-audit.ts';
import { createRefreshAhead } from '../maintenance/refresh-ahead.ts';
import { createRefreshDueGrant } from '../maintenance/refresh-due-grant.ts';
import type { RefreshSiblings } from '../maintenance/refresh-siblings.ts';
import { createRemoveEndedSessions } from '../maintenance/remove-ended-sessions.ts';
import { createRevokePending } from '../maintenance/revoke-pending.ts';
import { createRunHealthChecks } from '../maintenance/run-health-checks.ts';
import { createSweepDueGrants, isSweepOverdue } from '../maintenance/sweep-due-grants.ts';
import { createSweepStatistics } from '../maintenance/sweep-statistics.ts';
import { createWarnOfExpiry } from '../maintenance/warn-of-expiry.ts';
import type { RefreshGrant } from '../refresh/refresh-grant.ts';
import type { BrokerPorts, BrokerSettings } from './broker-ports.ts';
import type { createRevocations } from './create-revocations.ts';

/** Builds the use cases that run on a schedule and in the background. */
export function createMaintenance(
  ports: BrokerPorts,
  { schedule, expiryWarningMs: warningMs, auditRetentionMs }: BrokerSettings,
  { refreshGrant, refreshSiblings }: { refreshGrant: RefreshGrant; refreshSiblings: RefreshSiblings },
  { attempts, revokeWaiting }: Pick<ReturnType<typeof createRevocations>, 'attempts' | 'revokeWaiting'>,
) {
  const { sweeps, queue, expiries, newId, clock, sleep, ended } = ports;
  const { onBackgroundError: onError, onExpiryWarning: onWarning } = ports;
  const { authorizations, database } = ports;
  const statistics = createSweepStatistics({ sweeps, sleep: (ms) => sleep(ms, ended), onError });
  return {
    sweepDueGrants: createSweepDueGrants({ sweeps, queue, newId, clock, sleep, schedule }),
    isSweepOverdue: () => isSweepOverdue({ sweeps, clock, schedule }),
    refreshDueGrant: createRefreshDueGrant({ refreshGrant, refreshSiblings, statistics, clock, schedule }),
    flushSweepStatistics: () => statistics.flush(),
    refreshAhead: createRefreshAhead({ refreshGrant, refreshSiblings, clock, schedule }),
    warnOfExpiry: createWarnOfExpiry({ expiries, clock, warningMs, onWarning }),
    revokePending: createRevokePending(attempts),
    discardUnconfirmed: createDiscardUnconfirmed({ authorizations, database, revokeWaiting, clock }),
    removeEndedSessions: createRemoveEndedSessions({ sessions: ports.consoleSessions, clock }),
    maintainAudit: createMaintainAudit({ partitions: ports.auditPartitions, clock, retentionMs: auditRetentionMs }),
  };
}

/** Builds the use cases that check the health of grants: each hour, all on demand, and one on demand. */
export function createHealthChecks(ports: BrokerPorts, settings: BrokerSettings) {
  const { database, fleet, queue, health, healthRuns: runs, healthCounts: counts, oauth, catalogue, cipher } = ports;
  const { newId, clock, sleep, onBackgroundError: onError, onHealthChange } = ports;
  const { healthCheckIntervalMs: intervalMs, callsTokenEndpoints } = settings;
  const judgeGrants = createJudgeGrants({ oauth, cipher, clock, onError });
  const viewGrant = createViewGrant(settings, clock);
  const run = { runs, counts, judgeGrants, newId, clock, sleep, onError, onHealthChange };
  return {
    checkHealth: createCheckHealth({ health, judgeGrants, catalogue, clock, intervalMs, onHealthChange }),
    runHealthChecks: createRunHealthChecks(run),
    checkOneHealth: createCheckOneHealth({
      database,
      fleet,
      health,
      judgeGrants,
      viewGrant,
      clock,
      sleep,
      onHealthChange,
    }),
    requestHealthRun: createRequestHealthRun({ database, runs, queue, newId, clock, callsTokenEndpoints }),
    resumeHealthRun: createResumeHealthRun({ runs, queue }),
    readHealthStats: createReadHealthStats({ counts, runs }),
    foldHealthCounts: () => counts.fold(),
  };
}
