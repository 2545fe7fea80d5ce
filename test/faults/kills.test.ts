import process from 'node:process';
import { testKills } from './kills.ts';

/** FAULT_KILLS shortens a run. The guarantee is tested with 200 kills. */
testKills(Number(process.env.FAULT_KILLS ?? 200));
