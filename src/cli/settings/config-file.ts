import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { getuid } from 'node:process';
import { CommandFailure, exitCodes } from '../exit-codes.ts';

export interface Profile {
  url?: string;
  key?: string;
  organization?: string;
}

/** Content of config.json. */
export interface ConfigFile {
  /** Name of the profile that is used if none is named. */
  current: string;
  profiles: Record<string, Profile>;
}

type Environment = Readonly<Record<string, string | undefined>>;

export function configPath({ XDG_CONFIG_HOME: home, HOME: user }: Environment): string {
  return join(home || join(user || homedir(), '.config'), 'token-broker', 'config.json');
}

/** Reads config.json; an absent file has no profile. Refuses a file that other users may read: it holds keys. */
export function readConfig(environment: Environment): ConfigFile {
  const path = configPath(environment);
  if (!existsSync(path)) return { current: 'default', profiles: {} };
  return parseConfig(path, readPrivate(path));
}

function readPrivate(path: string): string {
  const file = openSync(path, 'r');
  try {
    const { mode, uid } = fstatSync(file);
    // Windows has no such modes.
    if (getuid !== undefined && ((mode & 0o077) !== 0 || (uid !== getuid() && uid !== 0))) {
      throw new CommandFailure(
        `${path} holds keys, and other users may read it.`,
        exitCodes.permission,
        `chmod 600 ${path}`,
      );
    }
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}

function parseConfig(path: string, text: string): ConfigFile {
  const broken = () => new CommandFailure(`${path} is not a configuration of token-broker.`, exitCodes.usage);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's message quotes the file, which holds keys.
    throw broken();
  }
  const { current, profiles } = Object(value) as Partial<ConfigFile>;
  if (typeof current !== 'string' || typeof profiles !== 'object' || profiles === null) throw broken();
  return { current, profiles };
}

/** Replaces config.json by a file of mode 0600, in one step: a killed process leaves the old one. */
export function writeConfig(environment: Environment, config: ConfigFile): string {
  const path = configPath(environment);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}`;
  const file = openSync(temporary, 'w', 0o600);
  try {
    writeSync(file, `${JSON.stringify(config, null, 2)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
  return path;
}
