import { Readable } from 'node:stream';
import type { CommandLine } from '../../../src/cli/context.ts';
import { run } from '../../../src/cli/run.ts';

export interface CliRun {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs one command in this process, without a terminal. `environment` is all that it sees of one. */
export async function runCli(
  args: readonly string[],
  { environment, directory }: Pick<CommandLine, 'environment' | 'directory'>,
): Promise<CliRun> {
  const written = { stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr') => ({
    write(text: string) {
      written[name] += text;
      return true;
    },
  });
  const line = { environment, directory, stdin: Readable.from([]), stdout: stream('stdout'), stderr: stream('stderr') };
  // Streams of a pipe, as far as the command line uses them.
  const code = await run(args, line as unknown as CommandLine);
  return { code, ...written };
}
