import type { Register } from '../context.ts';

export const registerDoctor: Register = (program, context) => {
  program
    .command('doctor')
    .description('find what is wrong with an installation, and say what to do')
    .option('--keys-backup <file>', 'copy of ENCRYPTION_KEYS to compare with the keys in use')
    .action(async (options) => (await import('./doctor.ts')).runDoctor(context, options));
};
