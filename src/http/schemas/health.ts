import { z } from 'zod';
import { queueFailures } from '../../domain/queue-failure.ts';
import { time } from './fields/text.ts';

const part = z.enum(['ok', 'unavailable']);

export const health = z
  .object({
    status: z.enum(['ok', 'degraded', 'unavailable']),
    service: z.literal('token-broker'),
    version: z.string(),
    timestamp: time,
    database: part,
    queue: part,
    queue_failure: z
      .enum(queueFailures)
      .nullable()
      .describe('Reason why the queue is unavailable, as its server stated it. Null while it works.'),
    workers: z
      .int()
      .min(0)
      .nullable()
      .describe('Number of live processes that run background work. Null while the database is unavailable.'),
    last_sweep_at: time
      .nullable()
      .describe('Time at which the last sweep ended. Null if none has ended, or while the database is unavailable.'),
    unsaved_tokens: z
      .int()
      .min(0)
      .nullable()
      .describe(
        'Number of token sets on the disk of this process that the database has not stored yet. Null if the disk cannot be read.',
      ),
    refresh_mode: z
      .enum(['on', 'off'])
      .describe('off: the process calls no token endpoint and does no background work (REFRESH_MODE).'),
  })
  .meta({ id: 'Health' });

export const liveness = z.object({ status: z.literal('ok') }).meta({ id: 'Liveness' });

export const readiness = z
  .object({
    status: z.enum(['ready', 'not_ready']),
    database: z.boolean().describe('The database is reachable.'),
    migrated: z.boolean().describe('The database has all migrations.'),
    key_proven: z.boolean().describe('The encryption keys decrypt the stored data.'),
    reason: z
      .string()
      .nullable()
      .describe(
        'Why the process is not ready, with the variable to check. Null if it is ready or the cause is unknown.',
      ),
  })
  .meta({ id: 'Readiness' });
