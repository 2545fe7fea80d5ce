import type { Register } from '../context.ts';
import { duration } from './option-values.ts';

export const registerCredential: Register = (program, context) => {
  program
    .command('credential <name>')
    .description('fetch a live access token; it is masked unless --reveal')
    .option('--subject <id>', 'person of the platform')
    .option('--account <id>', 'account at the provider')
    .option('--min-ttl <duration>', 'time for which the token must live, such as 5min', duration)
    .option('--scopes <list>', 'scopes that the token must have')
    .option('--workflow <id>', 'workflow on whose behalf the token is fetched')
    .option('--reveal', 'print the token: alone on stdout, for $(…)')
    .action(async (name, options) => (await import('./credentials/fetch.ts')).fetchCredential(context, name, options));
  program
    .command('explain <name>')
    .description('show what a fetch would answer, and why')
    .option('--subject <id>', 'person of the platform')
    .option('--account <id>', 'account at the provider')
    .option('--min-ttl <duration>', 'time for which the token must live, such as 5min', duration)
    .option('--scopes <list>', 'scopes that the token must have')
    .action(async (name, options) => (await import('./credentials/explain.ts')).explain(context, name, options));
};
