import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Setting } from '../../../doctor/machine.ts';

/** Environment of the command, and the folder that relative paths begin at. */
export interface Variables {
  environment: Readonly<Record<string, string | undefined>>;
  directory: string;
}

/** Reads a variable, or the file of NAME_FILE. Undefined if neither is set or the file cannot be read. */
export function settingOf({ environment, directory }: Variables, name: string): Setting | undefined {
  const value = environment[name];
  if (value) return { value, place: name };
  const file = environment[`${name}_FILE`];
  if (!file) return undefined;
  const path = resolve(directory, file);
  try {
    return { value: readFileSync(path, 'utf8').trim(), place: path };
  } catch {
    return undefined;
  }
}
