import { Argument, type Command } from 'commander';
import type { Register } from '../context.ts';

const shells = ['bash', 'zsh', 'fish', 'powershell'];

export const registerCompletion: Register = (program) => {
  program
    .command('completion')
    .description('print a script that completes commands; for bash: source <(token-broker completion bash)')
    .addArgument(new Argument('<shell>').choices(shells))
    .action(async (shell: string) => {
      const { default: completion } = await import('@bomb.sh/tab');
      completion.setup(program.name(), program.name(), shell);
    });
};

/** Adds the command `complete`, which the script of a shell calls at each tab. */
export async function addCompleter(program: Command): Promise<void> {
  const { default: tab } = await import('@bomb.sh/tab/commander');
  tab(program, { completionCommandName: 'completion' });
}
