import type { Register } from '../context.ts';

/** Commands that do something with the grant of a connection. */
export const registerConnectionCalls: Register = (program, context) => {
  const calls = () => import('./grants/calls.ts');
  program
    .command('refresh <name>')
    .description('refresh the grant of a connection now')
    .option('--subject <id>', 'person of the platform')
    .option('--account <id>', 'account at the provider')
    .action(async (name, options) => (await calls()).refresh(context, name, options));
  program
    .command('test <name>')
    .description('call the test URL of a connection with its token')
    .option('--subject <id>', 'person of the platform')
    .option('--account <id>', 'account at the provider')
    .action(async (name, options) => (await calls()).test(context, name, options));
  program
    .command('revoke <name>')
    .description('end grants, also at the provider; without a subject those that have none')
    .option('--subject <id>', 'person of the platform')
    .option('--account <id>', 'account at the provider')
    .option('--reason <text>', 'text for the audit trail')
    .option('--dry-run', 'show which grants would end')
    .action(async (name, options) => (await import('./grants/revoke.ts')).revoke(context, name, options));
  program
    .command('cancel <name>')
    .description('void a started authorization')
    .option('--subject <id>', 'person of the platform')
    .action(async (name, options) => (await calls()).cancel(context, name, options));
};
