/** Value of a placeholder, or the reason why there is none. No reason repeats a secret. */
export type SecretLookup = { value: string } | { fault: string };

/** Sources of the secrets that a file names. */
export interface SecretSources {
  /** Reads a variable of the environment, as in `${CRM_SECRET}`. */
  variable(name: string): SecretLookup;
  /** Reads a file by its absolute path, as in `${file:/run/secrets/crm}`. */
  file(path: string): SecretLookup;
}

const variablePattern = /^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$/;
const filePattern = /^\$\{file:(\/[^}]+)\}$/;

/** Tells whether a text holds a placeholder, or something that was meant as one. */
export function holdsPlaceholder(text: string): boolean {
  return text.includes('${');
}

/** Replaces a placeholder by its secret. A text without one is returned as it is. */
export function fillIn(text: string, sources: SecretSources): SecretLookup {
  if (!holdsPlaceholder(text)) return { value: text };
  const variable = variablePattern.exec(text)?.[1];
  if (variable !== undefined) return filled(sources.variable(variable), `the variable ${variable}`);
  const path = filePattern.exec(text)?.[1];
  if (path !== undefined) return filled(sources.file(path), `the file ${path}`);
  return { fault: `a placeholder must be \${NAME} or \${file:/path} and nothing else` };
}

/** Editors and shells end a file with a line end that is no part of the secret. */
function filled(lookup: SecretLookup, source: string): SecretLookup {
  if ('fault' in lookup) return { fault: `${source} ${lookup.fault}` };
  const value = lookup.value.replace(/(\r?\n)+$/, '');
  return value === '' ? { fault: `${source} is empty` } : { value };
}
