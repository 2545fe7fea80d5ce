import { readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { isLoopback } from '../../doctor/place.ts';
import { CommandFailure, exitCodes } from '../exit-codes.ts';
import { type Profile, readConfig } from './config-file.ts';
import { findLocalBroker } from './local-broker.ts';
import { readAll } from './read-all.ts';
import type { SettingsSources } from './sources.ts';

export interface Settings {
  url: string;
  organization: string | undefined;
  /** Reads the key. Throws CommandFailure if there is none. */
  readKey: () => Promise<string>;
}

/** Finds address, organisation and key: flags, then variables, then the profile, then the broker of this machine. */
export function resolveSettings(sources: SettingsSources): Settings {
  const { flags, environment } = sources;
  const profile = readProfile(sources);
  // A profile that the command names stands before the variables of the shell.
  const named = flags.profile === undefined ? {} : profile;
  const local = findLocalBroker(sources);
  const url = flags.url ?? named.url ?? nonEmpty(environment.TOKEN_BROKER_URL) ?? profile.url ?? local.url;
  const organization =
    flags.organization ?? named.organization ?? nonEmpty(environment.TOKEN_BROKER_ORGANIZATION) ?? profile.organization;
  // The key of a profile goes to the broker of the profile and to no other.
  const profileKey = profile.url === url ? profile.key : undefined;
  return {
    url,
    organization: organization === '' ? undefined : organization,
    readKey: async () => {
      const named = flags.profile === undefined ? undefined : profileKey;
      const key = await readGivenKey(sources, named);
      // Only an address of this machine may receive the administrator's key unasked.
      const found = key ?? profileKey ?? (isLoopback(url) ? local.readKey() : undefined);
      if (found === undefined) throw noKey(url, profile);
      return found.trim();
    },
  };
}

function readProfile({ flags, environment }: SettingsSources): Profile {
  const config = readConfig(environment);
  const wanted = flags.profile ?? nonEmpty(environment.TOKEN_BROKER_PROFILE);
  const profile = config.profiles[wanted ?? config.current];
  if (profile === undefined && wanted !== undefined) {
    throw new CommandFailure(
      `There is no profile ${wanted}.`,
      exitCodes.usage,
      `token-broker login --profile ${wanted}`,
    );
  }
  return profile ?? {};
}

/** The key that the command or its shell names; `named` is that of a profile which the command names. */
async function readGivenKey(sources: SettingsSources, named: string | undefined): Promise<string | undefined> {
  const { flags, environment, stdin } = sources;
  if (flags.keyFile === '-') return readAll(stdin);
  if (flags.keyFile !== undefined) return readKeyFile(sources, flags.keyFile);
  if (named !== undefined) return named;
  const key = nonEmpty(environment.TOKEN_BROKER_KEY);
  const file = nonEmpty(environment.TOKEN_BROKER_KEY_FILE);
  return key ?? (file === undefined ? undefined : readKeyFile(sources, file));
}

function readKeyFile({ directory }: SettingsSources, file: string): string {
  try {
    return readFileSync(isAbsolute(file) ? file : join(directory, file), 'utf8');
  } catch {
    throw new CommandFailure(`The key file ${file} cannot be read.`, exitCodes.permission);
  }
}

function noKey(url: string, profile: Profile): CommandFailure {
  const next = 'Log in with token-broker login, or set TOKEN_BROKER_KEY_FILE, or give --key-file.';
  const why = profile.key === undefined ? '' : ` The key of the profile belongs to ${profile.url}.`;
  return new CommandFailure(`There is no key for the broker at ${url}.${why}`, exitCodes.permission, next);
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}
