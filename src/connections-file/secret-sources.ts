import { readFileSync, realpathSync } from 'node:fs';
import { sep } from 'node:path';
import type { SecretLookup, SecretSources } from './placeholders.ts';

export interface SecretSourceOptions {
  environment: Readonly<Record<string, string | undefined>>;
  /** Secrets of the reader. A writer of the file could have them sent to a token endpoint of their own. */
  own: {
    variables: readonly string[];
    /** Absolute paths. */
    files: readonly string[];
    dataDir: string;
    /** Reason of the refusal, such as "is a secret of the service itself". */
    fault: string;
  };
}

/** Reads the secrets that a file of connections names on this machine, but none of the reader's own. */
export function createSecretSources({ environment, own }: SecretSourceOptions): SecretSources {
  const ownFiles = own.files.map(realPath);
  return {
    variable(name): SecretLookup {
      if (own.variables.includes(name)) return { fault: own.fault };
      const value = environment[name];
      return value === undefined ? { fault: 'is not set' } : { value };
    },
    file(path): SecretLookup {
      const real = realPath(path);
      if (ownFiles.includes(real) || real.startsWith(`${realPath(own.dataDir)}${sep}`)) return { fault: own.fault };
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
