import type { Config } from '../../config.ts';
import { explainDatabase } from './explain-database.ts';
import { explainRedis } from './explain-redis.ts';

/** Names the variable of the queue, and the part of it to check after an error. Undefined if the error says nothing. */
export function explainQueue(
  { redisUrl, databaseListenUrl }: Pick<Config, 'redisUrl' | 'databaseListenUrl'>,
  error: unknown,
): string | undefined {
  const database = databaseListenUrl === null ? 'DATABASE_URL' : 'DATABASE_LISTEN_URL';
  const explained = redisUrl === null ? explainDatabase(error) : explainRedis(error);
  return explained && `${redisUrl === null ? database : 'REDIS_URL'}: ${explained}.`;
}
