import pg from 'pg';
import { type SealedPlace, sealedPlaces } from '../../../src/domain/ports/maintenance/key-rotation.ts';
import { openTestStores, type TestStores } from '../postgres/stores.ts';

/** Stores on a database of their own, with statements beside them. */
export interface KeyStores extends TestStores {
  run<Row extends pg.QueryResultRow>(statement: string, values?: unknown[]): Promise<Row[]>;
  /** Counts the values of a data key, by column. Leaves out columns without any. */
  valuesUnder(dataKeyId: string): Promise<Partial<Record<SealedPlace, number>>>;
}

export async function openKeyStores(): Promise<KeyStores> {
  const stores = await openTestStores();
  const pool = new pg.Pool({ connectionString: stores.url, max: 4 });
  return {
    ...stores,
    async run<Row extends pg.QueryResultRow>(statement: string, values: unknown[] = []) {
      return (await pool.query<Row>(statement, values)).rows;
    },
    async valuesUnder(dataKeyId) {
      const counts: Partial<Record<SealedPlace, number>> = {};
      for (const place of sealedPlaces) {
        const { found } = await stores.sealedValues.count(place, dataKeyId, null, 100_000);
        if (found > 0) counts[place] = found;
      }
      return counts;
    },
    async end() {
      await pool.end();
      await stores.end();
    },
  };
}
