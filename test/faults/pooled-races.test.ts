import { describeWithPgBouncer } from '../support/postgres/pgbouncer.ts';
import { testRaces } from './races.ts';

describeWithPgBouncer('behind a transaction pooler', () => testRaces({ pooled: true }));
