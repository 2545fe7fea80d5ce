import type { CommandContext } from '../../context.ts';
import { CommandFailure, exitCodes } from '../../exit-codes.ts';
import { type ConfigFile, readConfig, writeConfig } from '../../settings/config-file.ts';

export async function logout({ flags, environment, output }: CommandContext): Promise<void> {
  const config = readConfig(environment);
  const name = flags.profile ?? (environment.TOKEN_BROKER_PROFILE || config.current);
  requireProfile(config, name);
  const { [name]: _removed, ...profiles } = config.profiles;
  writeConfig(environment, { ...config, profiles });
  output.say(`Removed the profile ${name}. The key itself stays valid: token-broker api-keys revoke ends it.`);
}

/** Lists everything but the keys. */
export async function listProfiles({ environment, output }: CommandContext): Promise<void> {
  const { current, profiles } = readConfig(environment);
  const items = Object.entries(profiles).map(([name, { url, organization, key }]) => {
    return { name, is_current: name === current, url, organization: organization ?? null, has_key: key !== undefined };
  });
  await output.list<(typeof items)[number]>({
    name: 'profiles',
    items,
    empty: 'No profiles. Make one with token-broker login.',
    columns: [
      { title: 'NAME', text: ({ name }) => name },
      { title: 'CURRENT', text: ({ is_current: isCurrent }) => isCurrent },
      { title: 'URL', text: ({ url }) => url },
      { title: 'ORGANISATION', text: ({ organization }) => organization },
    ],
  });
}

export async function useProfile({ environment, output }: CommandContext, name: string): Promise<void> {
  const config = readConfig(environment);
  requireProfile(config, name);
  writeConfig(environment, { ...config, current: name });
  output.say(`Profile ${name} is used now.`);
}

export async function showProfile({ settings, output }: CommandContext): Promise<void> {
  const { url, organization = null } = settings();
  await output.document({ url, organization }, [
    ['url', url],
    ['organisation', organization ?? 'as the key decides'],
  ]);
}

function requireProfile({ profiles }: ConfigFile, name: string): void {
  if (profiles[name] === undefined) throw new CommandFailure(`There is no profile ${name}.`, exitCodes.notFound);
}
