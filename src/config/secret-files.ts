import { readFileSync } from 'node:fs';

/** Variables that hold secrets. A variable with _FILE appended to the name may hold the path of a file instead. */
export const secretVariables = [
  'ENCRYPTION_KEYS',
  'ADMIN_API_KEY',
  'DATABASE_URL',
  'DATABASE_LISTEN_URL',
  'DATABASE_MIGRATE_URL',
  'REDIS_URL',
  'PROVIDER_PROXY_URL',
  'CONSOLE_OIDC_CLIENT_SECRET',
] as const;

export interface VariableFault {
  variable: string;
  message: string;
}

/**
 * Returns the environment with secret files replaced by their contents. Drops empty variables: container tools pass on
 * variables that were never set as empty ones.
 */
export function readSecretFiles(env: Record<string, string | undefined>): {
  values: Record<string, string>;
  faults: VariableFault[];
} {
  const values: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined && value !== '') values[name] = value;
  const faults: VariableFault[] = [];
  for (const name of secretVariables) {
    const variable = `${name}_FILE`;
    const file = values[variable];
    if (file === undefined) continue;
    if (values[name] !== undefined) {
      faults.push({ variable, message: `is given together with ${name}; give one of them` });
      continue;
    }
    try {
      // Editors and shells end a file with a newline that is not part of the secret.
      const content = readFileSync(file, 'utf8').replace(/(\r?\n)+$/, '');
      if (content === '') faults.push({ variable, message: 'names an empty file' });
      // The variable counts as set even if the file is empty, so that one mistake is reported as one fault.
      values[name] = content;
    } catch (error) {
      faults.push({ variable, message: `names a file that cannot be read (${(error as NodeJS.ErrnoException).code})` });
      values[name] = '';
    }
  }
  return { values, faults };
}
