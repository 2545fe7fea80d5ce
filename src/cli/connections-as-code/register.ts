import type { Register } from '../context.ts';

export const defaultFile = 'connections.yaml';

export const registerConnectionsAsCode: Register = (program, context) => {
  program
    .command('plan')
    .description('show what apply would change')
    .option('-f, --file <file>', 'file of connections', defaultFile)
    .option('--prune', 'delete connections of this file that are no longer in it')
    .option('--exit-code', 'exit with 2 if there are changes')
    .option('--out <file>', 'write the plan to a file, for apply')
    .action(async (options) => (await import('./plan.ts')).plan(context, options));
  program
    .command('apply [plan]')
    .description('change the connections to what a file says, or as a plan of plan --out says')
    .option('-f, --file <file>', `file of connections (default: ${defaultFile}, or that of the plan)`)
    .option('--prune', 'delete connections of this file that are no longer in it')
    .action(async (plan, options) => (await import('./apply.ts')).apply(context, plan, options, defaultFile));
};
