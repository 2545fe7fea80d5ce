import { Argument, type Command } from 'commander';
import type { Register } from '../context.ts';

const shells = ['bash', 'zsh', 'fish', 'powershell'];

export const registerCompletion: Register = (program, { output }) => {
  program
    .command('completion')
    .description('print a script that completes commands; for bash: source <(token-broker completion bash)')
    .addArgument(new Argument('<shell>').choices(shells))
    .action(async (shell: string) => {
      const name = program.name();
      if (shell === 'bash') return output.raw(bashScript(name));
      const { default: completion } = await import('@bomb.sh/tab');
      completion.setup(name, name, shell);
    });
};

/** Adds the command `complete`, which the script of a shell calls at each tab. */
export async function addCompleter(program: Command): Promise<void> {
  const { default: tab } = await import('@bomb.sh/tab/commander');
  const root = tab(program, { completionCommandName: 'completion' });
  // The package offers an option only where it is declared. These are taken by every command.
  for (const command of root.commands.values()) {
    for (const { long, description } of program.options) command.option((long ?? '').slice(2), description);
  }
}

/** The package's own script for bash needs bash-completion, and evaluates the words of the line. */
function bashScript(name: string): string {
  return `# bash completion for ${name}
_token_broker() {
  local word current="\${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=()
  while IFS=$'\\t' read -r word _; do
    if [[ $word == "$current"* && $word != :* ]]; then COMPREPLY+=("$word"); fi
  done < <(${name} complete -- "\${COMP_WORDS[@]:1:COMP_CWORD-1}" "$current" 2>/dev/null)
}
complete -o default -F _token_broker ${name}
`;
}
