import { readFileSync } from 'node:fs';

/** Variables that hold secrets; each may be given as the path of a file in a variable of its name with _FILE appended. */
const secretVariables = [
  'ENCRYPTION_KEYS',
  'ADMIN_API_KEY',
  'DATABASE_URL',
  'DATABASE_LISTEN_URL',
  'REDIS_URL',
] as const;

export interface VariableFault {
  variable: string;
  message: string;
}

/**
 * The environment with the contents of secret files in place, and without empty variables: container tools pass those on
 * for what was never set.
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
      // Editors and shells end a file with a newline that is no part of the secret.
      const content = readFileSync(file, 'utf8').replace(/(\r?\n)+$/, '');
      if (content === '') faults.push({ variable, message: 'names an empty file' });
      // Even an empty one counts as given: one fault for one mistake.
      values[name] = content;
    } catch (error) {
      faults.push({ variable, message: `names a file that cannot be read (${(error as NodeJS.ErrnoException).code})` });
      values[name] = '';
    }
  }
  return { values, faults };
}
