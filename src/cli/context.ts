import type { Readable, Writable } from 'node:stream';
import type { Command } from 'commander';
import { type Api, createApi } from './api.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { createOutput, type Output } from './output/output.ts';
import { createPrompts, type Prompts } from './prompts/prompts.ts';
import { resolveSettings, type Settings } from './settings/settings.ts';
import type { GlobalFlags } from './settings/sources.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A stream that may be a terminal. */
export type InputStream = Readable & { isTTY?: boolean };
export type OutputStream = Writable & { isTTY?: boolean };

/** The process around a command. */
export interface CommandLine {
  environment: Environment;
  stdin: InputStream;
  stdout: OutputStream;
  stderr: OutputStream;
  directory: string;
}

/** Everything that a command uses besides its own arguments. Members that depend on flags are read in an action. */
export interface CommandContext {
  /** The API with the settings of this call. Reads the key. */
  api(): Promise<Api>;
  settings(): Settings;
  readonly flags: GlobalFlags;
  readonly organization: string | undefined;
  readonly output: Output;
  readonly prompts: Prompts;
  readonly environment: Environment;
  readonly stdin: InputStream;
  /** Working directory. */
  readonly directory: string;
  /** Exit code of a command that ends without an error. */
  exitCode: ExitCode;
}

/** Adds the commands of one file to the program. */
export type Register = (program: Command, context: CommandContext) => void;

/** `adopt` hands over the flags once they are parsed. */
export function createContext(line: CommandLine): { context: CommandContext; adopt(flags: GlobalFlags): void } {
  const { environment, stdin, stdout, stderr, directory } = line;
  let flags: GlobalFlags = {};
  let settings: Settings | undefined;
  let api: Promise<Api> | undefined;
  const output = createOutput({ stdout, stderr }, environment, () => flags);
  const readSettings = () => {
    settings ??= resolveSettings({ flags, environment, directory, stdin, say: output.say });
    return settings;
  };
  const context: CommandContext = {
    api: () => {
      api ??= createApi(readSettings());
      return api;
    },
    settings: readSettings,
    get flags() {
      return flags;
    },
    get organization() {
      return readSettings().organization;
    },
    output,
    prompts: createPrompts({ stdin, stderr }, () => flags.yes === true),
    environment,
    stdin,
    directory,
    exitCode: exitCodes.ok,
  };
  return {
    context,
    adopt: (parsed) => {
      flags = parsed;
    },
  };
}
