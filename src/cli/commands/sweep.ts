import type { Register } from '../context.ts';
import { wholeNumber } from './option-values.ts';

export const registerSweep: Register = (program, context) => {
  const sweep = program.command('sweep').description('the search for grants that are due, and their refresh');
  sweep
    .command('run')
    .description('start a sweep now')
    .option('--wait', 'wait until it has ended')
    .action(async (options) => (await import('./sweeps/run.ts')).runSweep(context, options));
  sweep
    .command('status')
    .description('show the running sweep and the last ones')
    .option('--limit <count>', 'number of sweeps', wholeNumber, 10)
    .action(async (options) => (await import('./sweeps/status.ts')).sweepStatus(context, options));
};
