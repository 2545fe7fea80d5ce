import { migrate } from '../../../src/postgres/driver/migrate.ts';
import { createPostgres, type Postgres } from '../../../src/postgres/postgres.ts';
import { createTestDatabase } from './database.ts';

export interface TestStores extends Postgres {
  url: string;
  end(): Promise<void>;
}

/** Opens the stores on a new, migrated database. */
export async function openTestStores(): Promise<TestStores> {
  const { url, drop } = await createTestDatabase();
  await migrate(url);
  const postgres = createPostgres({ connectionString: url, poolMax: 10, onError: () => {} });
  return {
    ...postgres,
    url,
    end: async () => {
      await postgres.close();
      await drop();
    },
  };
}
