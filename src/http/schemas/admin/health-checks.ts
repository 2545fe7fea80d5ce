import { z } from 'zod';
import type { CheckedGrant, HealthReport } from '../../../broker/administration/check-one-health.ts';
import type { HealthStats } from '../../../broker/administration/read-health-stats.ts';
import { grantStatuses, statusReasons } from '../../../domain/grants/grant.ts';
import { nextActions } from '../../../domain/next-action.ts';
import type { HealthRun } from '../../../domain/ports/maintenance/health-runs.ts';
import { isoOrNull, time, timeOrNull } from '../fields/text.ts';

const count = z.int().min(0);
const health = z.enum(['healthy', 'unhealthy']).nullable();

const checkedShape = {
  health: health.describe('Recorded health. Null if no check had a result since the tokens arrived.'),
  last_health_check_at: timeOrNull.describe('Time of the last check with a result.'),
  error: z
    .string()
    .nullable()
    .describe(
      'Why it is unhealthy. Its first word is the kind: rejected, unreachable, unavailable, expired or failed.',
    ),
  next_action: z.enum(nextActions).describe('Step that brings it back; none if it works.'),
};

const checkedGrant = z
  .object({
    grant_id: z.string(),
    organization_id: z.string().nullable().describe('Organisation that owns the grant; null for a shared grant.'),
    subject: z.string().nullable(),
    account_id: z.string().nullable(),
    status: z.enum(grantStatuses),
    status_reason: z.enum(statusReasons).nullable(),
    result: z
      .enum(['healthy', 'unhealthy', 'skipped'])
      .describe('Result of this check. skipped: it had none, and the recorded health is unchanged.'),
    reason: z.string().nullable().describe('Why the check was skipped; null for the other results.'),
    ...checkedShape,
  })
  .meta({ id: 'CheckedGrant' });

export const healthReport = z
  .object({
    id: z.string(),
    kind: z.enum(['connection', 'grant']).describe('What the id belongs to.'),
    organization_id: z.string().nullable().describe('Owner of the connection or of the grant; null for global.'),
    connection_id: z.string(),
    connection_name: z.string(),
    ...checkedShape,
    grants: z
      .array(checkedGrant)
      .describe('The checked grants. The values above are those of the one that is worst off.'),
    complete: z.boolean().describe('False if the connection has more grants than one call checks.'),
  })
  .meta({ id: 'HealthReport' });

const covers =
  'Covers every organisation: null for a caller that does not reach all organisations and the global scope.';

export const healthRun = z
  .object({
    id: z.string(),
    state: z
      .enum(['queued', 'running', 'finished'])
      .describe('queued: waits for a worker, also after its worker was lost; its progress is kept.'),
    requested_at: time,
    started_at: timeOrNull,
    finished_at: timeOrNull,
    seconds: z.number().min(0).nullable().describe('Time from start to finish. Null without finished_at.'),
    total: count.nullable().describe(`Grants when the check began; null until then. ${covers}`),
    checked: count.nullable().describe(`Grants whose check had a result. ${covers}`),
    healthy: count.nullable().describe(covers),
    unhealthy: count.nullable().describe(covers),
    skipped: count.nullable().describe(`Grants whose check had no result, such as those without a test_url. ${covers}`),
  })
  .meta({ id: 'HealthRun' });

export const healthStats = z
  .object({
    total: count.describe('All grants.'),
    healthy: count,
    unhealthy: count,
    unchecked: count.describe('Grants that no check had a result for since their tokens arrived.'),
    last_run: healthRun.nullable().describe('The check of all grants that was requested last; null before the first.'),
  })
  .meta({ id: 'HealthStats' });

export function fromHealthReport(id: string, report: HealthReport): z.input<typeof healthReport> {
  const { kind, connection, organizationId, grants, isComplete } = report;
  return {
    id,
    kind,
    organization_id: organizationId,
    connection_id: connection.id,
    connection_name: connection.name,
    ...fromChecked(report),
    grants: grants.map((checked) => ({
      grant_id: checked.grant.id,
      organization_id: checked.grant.organizationId,
      subject: checked.grant.subject,
      account_id: checked.grant.accountId,
      status: checked.grant.status,
      status_reason: checked.grant.statusReason,
      result: checked.result,
      reason: checked.reason,
      ...fromChecked(checked),
    })),
    complete: isComplete,
  };
}

function fromChecked(checked: Pick<CheckedGrant, 'health' | 'lastCheckAt' | 'error' | 'nextAction'>) {
  return {
    health: checked.health,
    last_health_check_at: isoOrNull(checked.lastCheckAt),
    error: checked.error,
    next_action: checked.nextAction,
  };
}

export function fromHealthRun(run: HealthRun, seesNumbers: boolean): z.input<typeof healthRun> {
  const { id, requestedAt, startedAt, finishedAt, isRunning, total, healthy, unhealthy, skipped } = run;
  const seen = (value: number | null) => (seesNumbers ? value : null);
  const unfinished = isRunning ? 'running' : 'queued';
  return {
    id,
    state: finishedAt === null ? unfinished : 'finished',
    requested_at: requestedAt.toISOString(),
    started_at: isoOrNull(startedAt),
    finished_at: isoOrNull(finishedAt),
    seconds: startedAt === null || finishedAt === null ? null : (finishedAt.getTime() - startedAt.getTime()) / 1000,
    total: seen(total),
    checked: seen(healthy + unhealthy),
    healthy: seen(healthy),
    unhealthy: seen(unhealthy),
    skipped: seen(skipped),
  };
}

export function fromHealthStats({ lastRun, seesRunNumbers, ...numbers }: HealthStats): z.input<typeof healthStats> {
  const { healthy, unhealthy, unchecked } = numbers;
  return {
    total: healthy + unhealthy + unchecked,
    healthy,
    unhealthy,
    unchecked,
    last_run: lastRun && fromHealthRun(lastRun, seesRunNumbers),
  };
}
