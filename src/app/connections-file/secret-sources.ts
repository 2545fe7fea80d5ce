import { readFileSync, realpathSync } from 'node:fs';
import { sep } from 'node:path';
import { secretVariables } from '../../config/secret-files.ts';
import type { SecretLookup, SecretSources } from '../../connections-file/placeholders.ts';

export interface SecretSourceOptions {
  environment: Readonly<Record<string, string | undefined>>;
  dataDir: string;
}

const ownSecret = { fault: 'is a secret of the service itself' };

/**
 * Reads the secrets that the file of connections names. Refuses those of the service itself: a writer of the file could
 * have them sent to a token endpoint of their own.
 */
export function createSecretSources({ environment, dataDir }: SecretSourceOptions): SecretSources {
  const own = new Set<string>(secretVariables);
  const ownFiles = secretVariables.flatMap((name) => environment[`${name}_FILE`] ?? []).map(realPath);
  return {
    variable(name): SecretLookup {
      if (own.has(name)) return ownSecret;
      const value = environment[name];
      return value === undefined ? { fault: 'is not set' } : { value };
    },
    file(path): SecretLookup {
      const real = realPath(path);
      if (ownFiles.includes(real) || real.startsWith(`${realPath(dataDir)}${sep}`)) return ownSecret;
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
