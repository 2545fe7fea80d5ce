import { stringify } from 'yaml';
import { holdsPlaceholder } from './placeholders.ts';

/** Template of a provider, as far as the export needs it. URLs may hold `{placeholders}`. */
export interface TemplateDefaults {
  urls: Readonly<Record<string, string | null>>;
  variables: Readonly<Record<string, { default: string | null }>>;
  scopes: readonly string[];
}

/** Detail of a connection, with the member names of the API. */
export type ConnectionDetail = Readonly<Record<string, unknown>> & { connection_name: string };

/** Fields of the file in their order, each with the value that stands for its absence. */
const defaults: readonly (readonly [field: string, absent: unknown])[] = [
  ['provider', undefined],
  ['oauth_flow_type', 'authorization_code'],
  ['client_id', undefined],
  ['client_secret', undefined],
  ['authorization_url', null],
  ['token_url', null],
  ['revocation_url', null],
  ['test_url', null],
  ['token_auth_method', null],
  ['variables', {}],
  ['scopes', []],
  ['authorize_params', {}],
  ['token_params', {}],
  ['multi_account', false],
  ['share_with_organizations', true],
  ['allow_import', false],
  ['pkce', null],
  ['terminal_errors', []],
  ['error_path', null],
  ['description', null],
];

/** Turns a connection into an entry of the file. `variable` holds its client secret when the file is applied. */
export function toDeclared(
  detail: ConnectionDetail,
  template: TemplateDefaults | undefined,
  variable: string | undefined,
): Record<string, unknown> {
  const secret = variable === undefined ? undefined : `\${${variable}}`;
  const { connection_name: name } = detail;
  const entry: Record<string, unknown> = { connection_name: name };
  for (const [field, absent] of defaults) {
    const value = field === 'client_secret' ? secret : detail[field];
    const usual = field === 'scopes' ? (template?.scopes ?? absent) : absent;
    if (value === undefined || isSame(value, usual)) continue;
    if (template !== undefined && isOfTemplate(detail, template, field)) continue;
    entry[field] = value;
  }
  return entry;
}

/** Writes entries as YAML, one block a connection. */
export function writeConnectionsFile(entries: readonly Readonly<Record<string, unknown>>[]): string {
  // An empty document would be null. A line is never folded, so that a change of one value changes one line.
  return entries.length === 0 ? '[]\n' : entries.map((entry) => stringify([entry], { lineWidth: 0 })).join('\n');
}

/** Names the fields that a file cannot hold: the reader would take the text for a placeholder. */
export function unwritableFields(entry: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(entry)
    .filter(([field, value]) => field !== 'client_secret' && holdsPlaceholder(JSON.stringify(value)))
    .map(([field]) => field);
}

/** Returns a different name of a variable for each connection, such as CRM_CLIENT_SECRET. */
export function createVariableNames(): (connectionName: string) => string {
  const taken = new Set<string>();
  return (connectionName) => {
    const base = connectionName.toUpperCase().replace(/[^A-Z0-9]/g, '_');
    const stem = `${/^[0-9]/.test(base) ? '_' : ''}${base}_CLIENT_SECRET`;
    let name = stem;
    for (let number = 2; taken.has(name); number++) name = `${stem}_${number}`;
    taken.add(name);
    return name;
  };
}

/** The detail shows URLs in use. One that is that of the template is left out, to follow later versions of it. */
function isOfTemplate(detail: ConnectionDetail, template: TemplateDefaults, field: string): boolean {
  const url = template.urls[field];
  if (url === undefined || url === null) return false;
  const variables = detail.variables as Readonly<Record<string, string>> | undefined;
  const filled = url.replace(/\{([a-z][a-z0-9_]*)\}/g, (placeholder, name: string) => {
    return variables?.[name] ?? template.variables[name]?.default ?? placeholder;
  });
  return filled === detail[field];
}

function isSame(value: unknown, other: unknown): boolean {
  return JSON.stringify(value) === JSON.stringify(other);
}
