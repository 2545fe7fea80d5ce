import type { Register } from '../context.ts';

export const registerConnections: Register = (program, context) => {
  const connections = program.command('connections').description('named OAuth clients, and what they are worth now');
  connections
    .command('list')
    .description('list the connections of the organisation, or the global ones')
    .option('--status <status>', 'only those with this status')
    .option('--provider <id>', 'only those of this provider')
    .option('--flow <type>', 'only those of this flow')
    .option('--query <text>', 'only those with this text in name or description')
    .option('--own', 'leave out global connections')
    .action(async (options) => (await import('./connections/list.ts')).listConnections(context, options));
  connections
    .command('show <name>')
    .description('show a connection')
    .action(async (name) => (await import('./connections/show.ts')).showConnection(context, name));
};
