import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { KeysCopy, Machine, Setting } from '../../../doctor/machine.ts';
import { connectionFault, tunnelFault } from '../probes/connect.ts';
import { openDataDirectory } from './directory-state.ts';
import { proxyOf } from './proxy.ts';
import { settingOf, type Variables } from './variables.ts';

export interface MachineSources extends Variables {
  /** Path of the data directory; null if none is known. */
  dataDirectory: string | null;
  /** Path of the copy of the keys to compare; undefined if none was named. */
  keysBackup: string | undefined;
}

/** Opens the facts of this machine to the checks. */
export function openMachine(sources: MachineSources): Machine {
  const proxy = proxyOf(sources);
  return {
    setting: (name) => settingOf(sources, name),
    dataDirectory: sources.dataDirectory === null ? null : openDataDirectory(sources.dataDirectory),
    keys: () => readKeys(sources),
    keysCopy: () => readCopy(sources),
    proxy,
    connectionFault,
    providerFault: (place) =>
      proxy === undefined || proxy.leavesOut(place.host) ? connectionFault(place) : tunnelFault(proxy, place),
  };
}

function readKeys(sources: MachineSources): Setting | undefined {
  const configured = settingOf(sources, 'ENCRYPTION_KEYS');
  if (configured !== undefined || sources.dataDirectory === null) return configured;
  const place = join(sources.dataDirectory, 'encryption-keys');
  const value = readText(place);
  return value === undefined ? undefined : { value, place };
}

function readCopy({ directory, keysBackup, dataDirectory }: MachineSources): KeysCopy | undefined {
  if (keysBackup === undefined) return undefined;
  const path = resolve(directory, keysBackup);
  return { path, text: readText(path), isBesideOriginal: dirname(path) === dataDirectory };
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
