import type { Logger } from 'pino';
import type { Config } from '../../config.ts';
import type { SharedCounts } from '../../http/limits/shared-counts.ts';
import { openCountConnection } from '../../jobs/limits/count-connection.ts';
import { explainQueue } from '../diagnosis/explain-queue.ts';

export interface OpenedCounts extends SharedCounts {
  /** Connects in the background. */
  start: (installationId: string) => void;
}

/** Opens the counts that processes share on Redis. Undefined without REDIS_URL: each process counts alone. */
export function openSharedCounts(config: Config, log: Logger, stack: AsyncDisposableStack): OpenedCounts | undefined {
  if (config.redisUrl === null) return undefined;
  const { client, prefix, start, close } = openCountConnection(config.redisUrl);
  stack.defer(close);
  return {
    client,
    prefix,
    start,
    onLost: (err) => log.warn({ reason: explainQueue(config, err), err }, 'rate limits counted in each process'),
    onRestored: () => log.info({}, 'rate limits counted in Redis again'),
  };
}
