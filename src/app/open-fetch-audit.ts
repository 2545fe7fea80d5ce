import type { Logger } from 'pino';
import { createRecordFetches, type RecordFetches } from '../broker/administration/record-fetches.ts';
import type { AuditMaintenance } from '../domain/ports/maintenance/audit.ts';
import type { Postgres } from '../postgres/postgres.ts';
import { reportUnexpected } from './report-unexpected.ts';

/** Milliseconds between two writes: a killed process loses the audit events of that time. */
const flushEveryMs = 1_000;

/** Records fetches in the background. The last ones are written when the stack is disposed. */
export function openFetchAudit(
  { audit, clock }: Pick<Postgres, 'audit' | 'clock'>,
  log: Logger,
  stack: AsyncDisposableStack,
  { onError, onLost }: { onError: (error: unknown) => void; onLost: (fetches: number) => void },
): Pick<RecordFetches, 'onFetch' | 'waiting'> {
  const { onFetch, flush, waiting } = createRecordFetches({
    audit,
    clock: clock.now,
    onLost: (fetches) => {
      onLost(fetches);
      log.error({ fetches }, 'audit events of fetches lost');
    },
  });
  const report = reportUnexpected(onError);
  const timer = setInterval(() => void flush().catch(report), flushEveryMs);
  stack.defer(async () => {
    clearInterval(timer);
    await flush().catch((error: unknown) => log.error({ err: error }, 'audit events of the last fetches lost'));
  });
  return { onFetch, waiting };
}

/** Logs a round of maintenance. */
export function logAuditMaintenance(done: AuditMaintenance, log: Logger): void {
  const { created, dropped, hasStrayEvents, mayDrop } = done;
  log.info({ created, dropped }, 'audit partitions maintained');
  if (hasStrayEvents) log.warn('audit events without a partition of their month');
  if (!mayDrop) log.warn('old audit partitions kept: the database role may not drop them');
}
