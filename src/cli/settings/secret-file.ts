import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { CommandFailure, exitCodes } from '../exit-codes.ts';
import { readAll } from './read-all.ts';

/** Reads a secret from a file, or from stdin (-). The message names the flag only: its value may be a mistyped secret. */
export async function readSecretFile(
  { stdin, directory }: { stdin: Readable; directory: string },
  file: string,
  flag: string,
): Promise<string> {
  const text = file === '-' ? await readAll(stdin) : readFile(resolve(directory, file), flag);
  const secret = text.replace(/\r?\n$/, '');
  if (secret === '') throw new CommandFailure(`The source of ${flag} is empty.`, exitCodes.usage);
  return secret;
}

function readFile(path: string, flag: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new CommandFailure(
      `The file of ${flag} cannot be read.`,
      exitCodes.usage,
      `${flag} takes the path of a file, or - for stdin, and never the secret itself.`,
    );
  }
}
