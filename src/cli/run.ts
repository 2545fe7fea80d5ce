import { CommanderError } from 'commander';
import { type CommandLine, createContext } from './context.ts';
import { exitCodeOf, exitCodes, explainError } from './exit-codes.ts';
import { createProgram } from './program.ts';

/** Runs one command and returns its exit code. Never throws. */
export async function run(args: readonly string[], line: CommandLine): Promise<number> {
  const { context, adopt } = createContext(line);
  try {
    const program = createProgram(context);
    program.hook('preAction', () => adopt(program.opts()));
    await program.parseAsync(args, { from: 'user' });
    return context.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    line.stderr.write(explainError(error, context.output.style));
    return exitCodeOf(error);
  }
}
