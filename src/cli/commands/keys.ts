import type { Register } from '../context.ts';

export const registerKeys: Register = (program, context) => {
  const keys = program.command('keys').description('encryption keys of the running service');
  const actions = () => import('./encryption/keys.ts');
  keys
    .command('status')
    .description('show the keys and the progress of a rotation')
    .action(async () => (await actions()).keyStatus(context));
  keys
    .command('rotate')
    .description('seal everything with the first of ENCRYPTION_KEYS')
    .option('--data-key', 'also with a new data key')
    .action(async (options) => (await actions()).rotateKeys(context, options));
  keys
    .command('retire <id>')
    .description('remove a data key that nothing uses')
    .option('--abandon-ended', 'also if only ended grants use it')
    .action(async (id, options) => (await actions()).retireDataKey(context, id, options));
};
