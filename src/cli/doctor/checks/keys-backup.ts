import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type Check, type Finding, failed, ok, skipped, warning } from '../check.ts';
import { type Setting, settingOf } from '../facts/variables.ts';
import type { Ground } from '../ground.ts';

/** Compares a copy of the keys with the keys in use. Without a copy, a lost disk loses every token. */
export const keysBackupCheck: Check = {
  name: 'keys backup',
  async run(ground) {
    const { keysBackup, dataDirectory } = ground;
    const keys = keysInUse(ground);
    const [entries, place] = [entriesOf(keys?.value ?? ''), keys?.place ?? 'ENCRYPTION_KEYS'];
    if (keys !== undefined && entries.every(({ isRemote }) => isRemote)) {
      return ok('Every key is in a key service, which keeps it.');
    }
    if (keysBackup === undefined) {
      return skipped(
        'Whether a copy of the keys exists is not known.',
        `Copy ${place} to a place apart from the backup of the database, and compare it: --keys-backup FILE.`,
      );
    }
    if (keys === undefined) {
      return skipped('The keys of the service are not readable here.', 'Run it where the service runs, as its user.');
    }
    const path = resolve(ground.directory, keysBackup);
    if (dataDirectory !== null && dirname(path) === dataDirectory.path) {
      return warning(`${path} is beside the original.`, 'Keep the copy on another machine.');
    }
    return compare(entries, path, place);
  },
};

interface Entry {
  id: string;
  text: string;
  isRemote: boolean;
}

/** The keys of the environment, or those that the embedded default has generated. */
function keysInUse(ground: Ground): Setting | undefined {
  const configured = settingOf(ground, 'ENCRYPTION_KEYS');
  if (configured !== undefined || ground.dataDirectory === null) return configured;
  const place = join(ground.dataDirectory.path, 'encryption-keys');
  const value = readText(place);
  return value === undefined ? undefined : { value, place };
}

/** Entries are `id:key`, or `id:source:location` for a key in a key service. */
function entriesOf(text: string): Entry[] {
  const entries = text.split(/[,\n]/).map((entry) => entry.trim());
  return entries
    .filter((entry) => entry !== '')
    .map((entry) => {
      const [id = '', ...rest] = entry.split(':');
      return { id, text: rest.join(':').replace(/=+$/, ''), isRemote: rest.length > 1 };
    });
}

function compare(entries: readonly Entry[], path: string, place: string): Finding {
  const text = readText(path);
  if (text === undefined) return failed(`The copy ${path} cannot be read.`, `Copy ${place} there again.`);
  const copies = new Map(entriesOf(text).map((copy) => [copy.id, copy.text]));
  const held = entries.filter(({ isRemote }) => !isRemote);
  const faults = held.flatMap((entry) => {
    const copy = copies.get(entry.id);
    if (copy === undefined) return [`lacks the key ${entry.id}`];
    return copy === entry.text ? [] : [`holds another key named ${entry.id}`];
  });
  if (faults.length > 0) return failed(`The copy ${path} ${faults.join(' and ')}.`, `Copy ${place} there again.`);
  return ok(`The copy ${path} holds every key (${held.map(({ id }) => id).join(', ')}).`);
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
