import { spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { env, execPath } from 'node:process';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { run } from '../../../src/cli/run.ts';
import { projectRoot } from '../architecture/source-tree.ts';
import { createTemporaryFolder } from '../processes/temporary-folder.ts';

export interface CliResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface CliCall {
  /** Text on stdin, which ends after it. */
  input?: string;
  env?: Record<string, string>;
  /** Working directory. Defaults to an empty folder. */
  directory?: string;
}

/** The command line as a person without settings uses it, in a home of its own. */
export interface Cli {
  /** Empty folder in which commands run. */
  home: string;
  /** Variables of a command: no setting but those that were given. */
  env: Record<string, string>;
  /** Runs a command in this process: a start of Node.js costs more than most commands. */
  run(args: readonly string[], call?: CliCall): Promise<CliResult>;
  /** Runs a command in a process of its own. */
  spawn(args: readonly string[], call?: CliCall): Promise<CliResult>;
  /** Everything that went in as an argument and everything that came out, for a search. */
  readonly record: { args: string; output: string };
  remove(): void;
}

export const cliScript = join(projectRoot, 'src', 'cli', 'launch.js');

export function createCli(variables: Record<string, string> = {}, program = [execPath, cliScript]): Cli {
  const home = createTemporaryFolder('cli-');
  const record = { args: '', output: '' };
  const cliEnv = { PATH: env.PATH ?? '', HOME: home, XDG_CACHE_HOME: cacheFolder(), ...variables };
  const recorded = async (args: readonly string[], result: Promise<CliResult>) => {
    const { stdout, stderr } = await result;
    record.args += `${args.join(' ')}\n`;
    record.output += stdout + stderr;
    return result;
  };
  return {
    home,
    env: cliEnv,
    record,
    run(args, { input = '', env: more = {}, directory = home } = {}) {
      const environment = { ...cliEnv, ...more };
      const [stdout, stderr] = [new PassThrough(), new PassThrough()];
      const call = async () => {
        const code = await run(args, { environment, directory, stdin: Readable.from([input]), stdout, stderr });
        stdout.end();
        stderr.end();
        return { code, stdout: await text(stdout), stderr: await text(stderr) };
      };
      return recorded(args, call());
    },
    spawn(args, { input = '', env: more = {}, directory = home } = {}) {
      const [command = '', ...first] = program;
      const child = spawn(command, [...first, ...args], { cwd: directory, env: { ...cliEnv, ...more } });
      child.stdin.on('error', () => {});
      child.stdin.end(input);
      const ended = new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
      const call = async () => {
        const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
        return { code, stdout, stderr };
      };
      return recorded(args, call());
    },
    remove: () => {
      if (existsSync(home)) rmSync(home, { recursive: true, force: true });
    },
  };
}

/** One cache for all tests: an empty one would make each command compile the sources. */
function cacheFolder(): string {
  return env.XDG_CACHE_HOME ?? join(env.HOME ?? '/tmp', '.cache');
}
