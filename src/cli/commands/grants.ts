import type { Register } from '../context.ts';
import { statusOption } from './option-values.ts';

export const registerGrants: Register = (program, context) => {
  const grants = program.command('grants').description('token sets that were obtained through a connection');
  grants
    .command('list <connection>')
    .description('list the grants of a connection')
    .addOption(statusOption())
    .option('--subject <id>', 'only those of this person')
    .option('--query <text>', 'only those with this text in subject or account')
    .action(async (name, options) => (await import('./grants/list.ts')).listGrants(context, name, options));
  grants
    .command('show <connection> <grant-id>')
    .description('show a grant')
    .action(async (name, id) => (await import('./grants/show.ts')).showGrant(context, name, id));
};
