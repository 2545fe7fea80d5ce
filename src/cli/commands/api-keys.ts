import type { Register } from '../context.ts';
import { futureTime, list, wholeNumber } from './option-values.ts';

export const registerApiKeys: Register = (program, context) => {
  const keys = program.command('api-keys').description('keys with which services call the broker');
  keys
    .command('list')
    .description('list the keys that this key may see')
    .action(async () => (await import('./api-keys/list.ts')).listApiKeys(context));
  keys
    .command('create <name>')
    .description('create a key; it is shown this once')
    .requiredOption('--permissions <list>', 'such as credentials:read,connections:read', list)
    .option('--organizations <list>', 'organisations that it may act for', list)
    .option('--all-organizations', 'it may act for every organisation')
    .option('--global', 'it may act for the global scope')
    .option('--connections <list>', 'patterns of the connections whose tokens it may fetch', list)
    .option('--expires-at <time>', 'time at which it ends, or a duration such as 90d', futureTime)
    .option('--rate-limit <count>', 'requests a minute', wholeNumber)
    .option('--out <file>', 'write the key to a new file with mode 0600')
    .option('--reveal', 'print the key')
    .action(async (name, options) => (await import('./api-keys/create.ts')).createApiKey(context, name, options));
  keys
    .command('revoke <id>')
    .description('end a key')
    .option('--cascade', 'also end the keys that it created')
    .option('--dry-run', 'show the key that would end')
    .action(async (id, options) => (await import('./api-keys/revoke.ts')).revokeApiKey(context, id, options));
};
