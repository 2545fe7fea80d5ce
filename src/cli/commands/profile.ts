import type { Register } from '../context.ts';

export const registerProfile: Register = (program, context) => {
  const actions = () => import('./profiles/profiles.ts');
  program
    .command('login')
    .description('keep address and key of a broker in a profile; --url and --key-file answer the prompts')
    .action(async () => (await import('./profiles/login.ts')).login(context));
  program
    .command('logout')
    .description('remove the profile with its key')
    .action(async () => (await actions()).logout(context));
  const profile = program.command('profile').description('profiles of config.json');
  profile
    .command('list')
    .description('list the profiles')
    .action(async () => (await actions()).listProfiles(context));
  profile
    .command('use <name>')
    .description('use a profile if none is named')
    .action(async (name) => (await actions()).useProfile(context, name));
  profile
    .command('show')
    .description('show which broker and organisation a command would use')
    .action(async () => (await actions()).showProfile(context));
};
