import { keyServiceVariables } from './key-service-variables.ts';
import type { VariableFault } from './secret-files.ts';

/** Lists whose entries are trimmed, JSON, and variables of other programs. */
const tolerant = new Set([
  'ALLOWED_RETURN_URLS',
  'TRUST_PROXY',
  'TRUSTED_ISSUERS',
  'CONSOLE_OIDC_ROLES',
  'NO_PROXY',
  'HTTPS_PROXY',
  'https_proxy',
  ...Object.keys(keyServiceVariables),
]);

/**
 * Finds values with spaces, line ends or quotation marks around. Such a key or password differs from the one that was
 * meant, and works nowhere else.
 */
export function faultsAround(values: Record<string, string>, names: readonly string[]): VariableFault[] {
  return names.flatMap((variable) => {
    const value = values[variable] ?? '';
    const message = tolerant.has(variable) ? undefined : faultAround(value);
    return message === undefined ? [] : [{ variable, message }];
  });
}

function faultAround(value: string): string | undefined {
  if (/^\uFEFF/.test(value)) return 'begins with a byte order mark: save the file as UTF-8 without one';
  const [begins, ends] = [/^\s/.test(value), /\s$/.test(value)];
  if (begins || ends) {
    const place = begins && ends ? 'begins and ends' : begins ? 'begins' : 'ends';
    return `${place} with a space or line end: remove it`;
  }
  return /^(["']).*\1$/s.test(value)
    ? 'is in quotation marks, which would be part of the value: remove them'
    : undefined;
}
