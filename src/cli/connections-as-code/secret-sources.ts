import { readFileSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import type { SecretLookup, SecretSources } from '../../connections-file/placeholders.ts';
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
];

const refused = { fault: 'is a secret of token-broker itself' };

/**
 * Reads the secrets that the file of connections names, on this machine. Refuses those of token-broker: a writer of the
 * file could have them sent to a token endpoint of their own.
 */
export function createSecretSources(
  context: Pick<CommandContext, 'environment' | 'directory' | 'flags'>,
): SecretSources {
  const { environment, directory, flags } = context;
  const named = [...refusedVariables.map((name) => environment[`${name}_FILE`]), flags.keyFile];
  const dataDir = resolve(directory, environment.DATA_DIR || 'data');
  const files = [
    ...named.filter((path) => path !== undefined && path !== '-').map((path) => resolve(directory, path ?? '')),
    configPath(environment),
  ].map(realPath);
  return {
    variable(name): SecretLookup {
      if (refusedVariables.includes(name)) return refused;
      const value = environment[name];
      return value === undefined ? { fault: 'is not set' } : { value };
    },
    file(path): SecretLookup {
      const real = realPath(path);
      if (files.includes(real) || real.startsWith(`${realPath(dataDir)}/`)) return refused;
      try {
        return { value: readFileSync(real, 'utf8') };
      } catch (error) {
        return { fault: `cannot be read (${(error as NodeJS.ErrnoException).code})` };
      }
    },
  };
}

/** Follows links: a link to a secret is that secret. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
