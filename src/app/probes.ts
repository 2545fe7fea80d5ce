import type { LateCipher } from '../crypto/late-cipher.ts';
import type { HealthProbes } from '../http/routes/health.ts';
import type { Jobs } from '../jobs/create-jobs.ts';
import type { Postgres } from '../postgres/postgres.ts';

export function createProbes(postgres: Postgres, jobs: Jobs, cipher: LateCipher): HealthProbes {
  const database = () => postgres.ping().then(() => true);
  return {
    database,
    queue: async () => jobs.isUp(),
    readiness: async () => ({
      database: await database(),
      migrated: cipher.isReady(),
      keyProven: cipher.isReady(),
    }),
  };
}
