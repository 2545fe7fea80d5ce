import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Ground } from '../ground.ts';

/** Value of a variable of the service, with the place that it comes from. */
export interface Setting {
  value: string;
  /** The variable, or the file that NAME_FILE names. */
  place: string;
}

/** Reads a variable, or the file of NAME_FILE. Undefined if neither is set or the file cannot be read. */
export function settingOf(
  { environment, directory }: Pick<Ground, 'environment' | 'directory'>,
  name: string,
): Setting | undefined {
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
