import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CommandFailure, exitCodes } from '../exit-codes.ts';
import type { SettingsSources } from './sources.ts';

/** The broker of this machine, as its own variables describe it. */
export interface LocalBroker {
  url: string;
  /** Reads the administrator's key, and says where it was found. Undefined if there is none. */
  readKey(): string | undefined;
}

/** Reads the variables of the service: a shell in its container has them, and without any it uses ./data. */
export function findLocalBroker({ environment, directory, say }: SettingsSources): LocalBroker {
  const { PORT: port, BASE_PATH: basePath = '', ADMIN_API_KEY: key, ADMIN_API_KEY_FILE: file } = environment;
  const path = basePath.replace(/^\/*|\/+$/g, '');
  const dataKey = resolve(directory, environment.DATA_DIR || 'data', 'admin-key');
  return {
    url: `http://127.0.0.1:${port || 8080}${path === '' ? '' : `/${path}`}`,
    readKey() {
      if (key) {
        say('Using the administrator’s key of ADMIN_API_KEY.');
        return key;
      }
      const found = file ? resolve(directory, file) : dataKey;
      if (!existsSync(found)) return undefined;
      say(`Using the administrator’s key in ${found}.`);
      return readKeyOf(found);
    },
  };
}

function readKeyOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new CommandFailure(`${file} belongs to another user.`, exitCodes.permission, 'Give --key-file, or log in.');
  }
}
