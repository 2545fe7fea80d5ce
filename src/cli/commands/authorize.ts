import type { Register } from '../context.ts';
import { duration } from './option-values.ts';

export const registerAuthorize: Register = (program, context) => {
  program
    .command('authorize <name>')
    .description('make a link with which a person connects an account')
    .option('--subject <id>', 'person of the platform that the grant belongs to')
    .option('--subject-label <text>', 'name of the subject for the page before the provider')
    .option('--account <id>', 'account at the provider')
    .option('--scopes <list>', 'scopes besides those of the connection')
    .option('--login-hint <text>', 'account that the provider offers first')
    .option('--expires-in <duration>', 'time for which the link can be used, such as 2h', duration)
    .option('--no-open', 'do not open the browser')
    .option('--wait', 'wait until the person has finished')
    .action(async (name, options) => (await import('./authorize/authorize.ts')).authorize(context, name, options));
};
