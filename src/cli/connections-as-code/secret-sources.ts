import { resolve } from 'node:path';
import type { SecretSources } from '../../connections-file/placeholders.ts';
import { createSecretSources } from '../../connections-file/secret-sources.ts';
import type { CommandContext } from '../context.ts';
import { configPath } from '../settings/config-file.ts';

/** Variables that hold secrets of the command line or of the service, whose container has both. */
export const refusedVariables: readonly string[] = [
  'TOKEN_BROKER_KEY',
  'ENCRYPTION_KEYS',
  'ADMIN_API_KEY',
  'DATABASE_URL',
  'DATABASE_LISTEN_URL',
  'DATABASE_MIGRATE_URL',
  'REDIS_URL',
  'PROVIDER_PROXY_URL',
  'CONSOLE_OIDC_CLIENT_SECRET',
];

/** Reads the secrets that the file of connections names. Refuses those of token-broker. */
export function createSourcesOf(context: Pick<CommandContext, 'environment' | 'directory' | 'flags'>): SecretSources {
  const { environment, directory, flags } = context;
  const named = [...refusedVariables.map((name) => environment[`${name}_FILE`]), flags.keyFile];
  const files = named.flatMap((path) => (path === undefined || path === '-' ? [] : resolve(directory, path)));
  return createSecretSources({
    environment,
    own: {
      variables: refusedVariables,
      files: [...files, configPath(environment)],
      dataDir: resolve(directory, environment.DATA_DIR || 'data'),
      fault: 'is a secret of token-broker itself',
    },
  });
}
