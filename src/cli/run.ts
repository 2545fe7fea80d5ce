import { CommanderError } from 'commander';
import { addCompleter, registerCompletion } from './commands/completion.ts';
import { type CommandLine, createContext } from './context.ts';
import { exitCodeOf, exitCodes, explainError } from './exit-codes.ts';
import { createProgram } from './program.ts';

/** Runs one command and returns its exit code. Never throws. */
export async function run(args: readonly string[], line: CommandLine): Promise<number> {
  const { context, adopt } = createContext(line);
  try {
    const program = createProgram(context);
    program.hook('preAction', () => adopt(program.opts()));
    // The script of a shell calls it at each tab. No other command waits for its package.
    if (args[0] === 'complete') await addCompleter(program);
    else registerCompletion(program, context);
    await program.parseAsync(args, { from: 'user' });
    return context.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    line.stderr.write(explainError(error, context.output.style));
    return exitCodeOf(error);
  }
}
