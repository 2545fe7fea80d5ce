import { createApi } from '../../api.ts';
import type { CommandContext } from '../../context.ts';
import { exitCodeOf, exitCodes } from '../../exit-codes.ts';
import { readConfig, writeConfig } from '../../settings/config-file.ts';
import { readSecretFile } from '../../settings/secret-file.ts';

/** Checks the key at the broker, and keeps both in the profile. */
export async function login(context: CommandContext): Promise<void> {
  const { flags, environment, output, prompts } = context;
  // An empty variable counts as absent.
  const config = readConfig(environment);
  const name = flags.profile ?? (environment.TOKEN_BROKER_PROFILE || config.current);
  const known = config.profiles[name]?.url ?? 'http://localhost:8080';
  const url =
    flags.url ?? (environment.TOKEN_BROKER_URL || (await prompts.text('Address of the broker', '--url', known)));
  const key = (
    flags.keyFile === undefined
      ? environment.TOKEN_BROKER_KEY || (await prompts.secret('API key', '--key-file FILE or --key-file -'))
      : await readSecretFile(context, flags.keyFile, '--key-file')
  ).trim();
  const { organization } = flags;
  await prompts.progress('Checking the key', () => checkKey(url, key, organization));
  const profile = { url, key, ...(organization === undefined ? {} : { organization }) };
  const path = writeConfig(environment, { current: name, profiles: { ...config.profiles, [name]: profile } });
  output.say(`Logged in to ${url}. Profile ${name} is in ${path}.`);
}

/** A key without the permission to list connections is a key: only an unknown one is refused. */
async function checkKey(url: string, key: string, organization: string | undefined): Promise<void> {
  const api = await createApi({ url, readKey: async () => key, organization });
  try {
    await api.call({ method: 'GET', path: '/connections', query: { limit: 1 } });
  } catch (error) {
    if (exitCodeOf(error) !== exitCodes.permission || Object(error).code === 'unauthorized') throw error;
  }
}
