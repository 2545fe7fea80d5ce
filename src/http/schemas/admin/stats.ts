import { z } from 'zod';
import type { FleetStatsView } from '../../../broker/administration/read-fleet-stats.ts';
import { statusReasons } from '../../../domain/grants/grant.ts';
import type { BoundedCount } from '../../../domain/ports/fleet.ts';
import { isoOrNull, time, timeOrNull } from '../fields/text.ts';

const count = z.number().int();

export const countByStatus = z.object({ not_connected: count, completed: count, failed: count });

const boundedCount = z.object({
  count,
  complete: z.boolean().describe('False if counting stopped: then there are at least as many.'),
});

export const fleetStats = z
  .object({
    as_of: time.describe('The numbers hold every change that was committed before this time.'),
    total: count.describe('All grants.'),
    by_status: countByStatus,
    by_next_action: z
      .object({ authorize: count, reconfigure: count, wait: count, none: count })
      .describe('Who must act. authorize: grants that need a person.'),
    by_provider: z.array(z.object({ provider: z.string(), total: count, by_status: countByStatus })),
    by_reason: z
      .array(z.object({ status_reason: z.enum(statusReasons), total: count }))
      .describe('Grants with a status_reason, which are those that do not work.'),
    due_soon: boundedCount.describe(
      'Working grants that can be refreshed and whose access token expires within the window of the sweep, or has expired.',
    ),
    failing: boundedCount.describe('Working grants whose last refresh failed. The broker tries again.'),
    refresh_tokens_expiring: boundedCount.describe(
      'Working grants whose refresh token expires within EXPIRY_WARNING_DAYS, or has expired.',
    ),
    last_sweep: z
      .object({
        started_at: time,
        finished_at: timeOrNull,
        running: z.boolean(),
        found: count.nullable(),
        refreshed: count.nullable(),
        failed: count.nullable(),
        skipped: count.nullable(),
      })
      .nullable()
      .describe(
        'The sweep that began last. Its numbers cover every organisation: they are null for a caller that does not reach all organisations and the global scope.',
      ),
  })
  .meta({ id: 'FleetStats' });

const fromBounded = ({ count, isComplete }: BoundedCount) => ({ count, complete: isComplete });

export function toFleetStats(stats: FleetStatsView): z.input<typeof fleetStats> {
  const sweep = stats.lastSweep;
  const counted = (value: number) => (stats.seesSweepCounts ? value : null);
  return {
    as_of: stats.at.toISOString(),
    total: stats.total,
    by_status: stats.byStatus,
    by_next_action: stats.byNextAction,
    by_provider: stats.byProvider.map(({ provider, total, byStatus }) => ({ provider, total, by_status: byStatus })),
    by_reason: stats.byReason.map(({ reason, total }) => ({ status_reason: reason, total })),
    due_soon: fromBounded(stats.dueSoon),
    failing: fromBounded(stats.failing),
    refresh_tokens_expiring: fromBounded(stats.refreshTokensExpiring),
    last_sweep: sweep && {
      started_at: sweep.startedAt.toISOString(),
      finished_at: isoOrNull(sweep.finishedAt),
      running: sweep.isRunning,
      found: counted(sweep.found),
      refreshed: counted(sweep.refreshed),
      failed: counted(sweep.failed),
      skipped: counted(sweep.skipped),
    },
  };
}
