import process from 'node:process';
import { describeWithPgBouncer } from '../support/postgres/pgbouncer.ts';
import { testKills } from './kills.ts';

/** A second pass over the guarantee that kills.test.ts tests with 200 kills. FAULT_KILLS shortens it. */
const killCount = Math.min(50, Number(process.env.FAULT_KILLS ?? 50));

describeWithPgBouncer('behind a transaction pooler', () => testKills(killCount, { pooled: true }));
