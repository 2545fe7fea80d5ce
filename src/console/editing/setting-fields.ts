import type { ConnectionSettings } from '../../domain/connections/connection.ts';
import { invalidRequest } from '../../domain/errors.ts';
import { parseScopes } from '../../domain/grants/scopes.ts';

type Parameters = Readonly<Record<string, string>>;

/** One setting of a connection: its name in the API and in the form, and its value as text. */
export interface SettingField<T> {
  name: string;
  show: (value: T) => string;
  /** Turns the text into the member of a body. Null removes it. Throws invalid_request. */
  read: (text: string) => unknown;
  /** A map is merged member by member (RFC 7396). */
  isMap?: boolean;
}

type Fields = { readonly [K in Exclude<keyof ConnectionSettings, 'variables'>]: SettingField<ConnectionSettings[K]> };

/**
 * Every setting of a connection but its variables, which have a field for each name. The type has no place for a setting
 * that a form cannot set.
 */
export const settingFields: Fields = {
  provider: text('provider'),
  flow: text('oauth_flow_type'),
  // An emptied client_id is a fault, and never the default.
  clientId: { name: 'client_id', show: (value) => value, read: (value) => value },
  authorizationUrl: text('authorization_url'),
  tokenUrl: text('token_url'),
  revocationUrl: text('revocation_url'),
  testUrl: text('test_url'),
  tokenAuthMethod: text('token_auth_method'),
  scopes: { name: 'scopes', show: (scopes) => scopes.join(' '), read: parseScopes },
  authorizeParams: parameters('authorize_params'),
  tokenParams: parameters('token_params'),
  multiAccount: checkbox('multi_account'),
  shareWithOrganizations: checkbox('share_with_organizations'),
  allowImport: checkbox('allow_import'),
  pkce: {
    name: 'pkce',
    show: (value) => (value === null ? '' : String(value)),
    read: (value) => (value === '' ? null : value === 'true'),
  },
  terminalErrors: { name: 'terminal_errors', show: (codes) => codes.join('\n'), read: linesOf },
  errorPath: text('error_path'),
  description: text('description'),
  managedBy: text('managed_by'),
};

function text<T extends string | null>(name: string): SettingField<T> {
  return { name, show: (value) => value ?? '', read: (value) => (value.trim() === '' ? null : value) };
}

function checkbox(name: string): SettingField<boolean> {
  return { name, show: (value) => (value ? 'on' : ''), read: (value) => value !== '' };
}

function parameters(name: string): SettingField<Parameters> {
  return { name, show: parameterText, read: (value) => readParameters(value, name), isMap: true };
}

function linesOf(value: string): string[] {
  return value
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** A value that one line cannot show as it is. */
const needsJson = /[\r\n]|^\s|\s$/;

/**
 * Writes parameters for a text area: `name=value`, one a line. A value with line ends or outer white space would be read
 * back as another, so such parameters are written as one JSON object.
 */
function parameterText(parameters: Parameters): string {
  const entries = Object.entries(parameters);
  if (entries.some(([, value]) => needsJson.test(value))) return JSON.stringify(parameters, null, 2);
  return entries.map(([name, value]) => `${name}=${value}`).join('\n');
}

/** Reads what `parameterText` wrote, or what a person typed. Throws invalid_request with `field` as the path. */
function readParameters(text: string, field: string): Parameters {
  if (text.trimStart().startsWith('{')) return readJson(text, field);
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return Object.fromEntries(
    lines.map((line, at): [string, string] => {
      const sign = line.indexOf('=');
      if (sign < 1) {
        throw invalidRequest({ path: field, message: `must be name=value in line ${at + 1}` });
      }
      return [line.slice(0, sign).trim(), line.slice(sign + 1).trim()];
    }),
  );
}

function readJson(text: string, field: string): Parameters {
  try {
    // Braces make it an object. The rules of the API check the type of its values.
    return JSON.parse(text) as Parameters;
  } catch {
    throw invalidRequest({ path: field, message: 'is not a valid JSON object' });
  }
}
