import { z } from 'zod';
import { time } from './text.ts';

const part = z.enum(['ok', 'unavailable']);

export const health = z
  .object({
    status: z.enum(['ok', 'degraded', 'unavailable']),
    service: z.literal('token-broker'),
    version: z.string(),
    timestamp: time,
    database: part,
    queue: part,
  })
  .meta({ id: 'Health' });

export const liveness = z.object({ status: z.literal('ok') }).meta({ id: 'Liveness' });

export const readiness = z
  .object({
    status: z.enum(['ready', 'not_ready']),
    database: z.boolean().describe('Reachable.'),
    migrated: z.boolean(),
    key_proven: z.boolean().describe('The encryption keys open what is stored.'),
  })
  .meta({ id: 'Readiness' });
