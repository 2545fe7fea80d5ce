import { usesKeyAuthentication } from './connection.ts';
import type { ProviderTemplate } from './template.ts';

/** Field of a connection that a person fills in for this provider. */
export interface TemplateField {
  /** Name in the API; a variable of the template is `variables.NAME`. */
  name: string;
  /** True if a connection with the template's defaults is refused without it. */
  required: boolean;
  description: string;
  /** Anchored pattern of the whole value; null if the template states none. */
  pattern: string | null;
  default: string | null;
}

/** Lists the fields of a connection for this provider, required or not, in the order in which a form shows them. */
export function fieldsOf(template: ProviderTemplate): TemplateField[] {
  const isInteractive = template.flows.includes('authorization_code');
  return [
    plain('client_id', true, 'Client ID that the provider issued.'),
    ...secretField(template, isInteractive),
    ...(isInteractive && template.authorizationUrl === null
      ? [plain('authorization_url', true, 'URL of the provider’s authorization endpoint.')]
      : []),
    ...(template.tokenUrl === null ? [plain('token_url', true, 'URL of the provider’s token endpoint.')] : []),
    ...Object.entries(template.variables).map(([name, { pattern, default: preset, description }]) => ({
      name: `variables.${name}`,
      required: preset === null,
      description,
      pattern,
      default: preset,
    })),
    { ...plain('scopes', false, scopesDescription(template)), default: defaultScopes(template) },
  ];
}

/** Tells whether a part of a name, in any case, is in the id or the display name. */
export function isNamed({ id, displayName }: Pick<ProviderTemplate, 'id' | 'displayName'>, part: string): boolean {
  return [id, displayName].some((name) => name.toLowerCase().includes(part.trim().toLowerCase()));
}

/** Names of the values that credentials carry in `extra`. */
export function extraOf({ response: { extra, callbackExtra } }: ProviderTemplate): string[] {
  return [...new Set([...Object.keys(extra), ...Object.keys(callbackExtra)])];
}

/** Returns what a revocation ends at the provider; null if the template does not say. */
export function revocationEndsOf({ revocation, revocationEnds }: ProviderTemplate): ProviderTemplate['revocationEnds'] {
  if (revocationEnds !== null || revocation !== null) return revocationEnds;
  return {
    what: 'nothing',
    sentence:
      'The provider has no revocation endpoint: the broker forgets the tokens, and the person removes the access there.',
  };
}

function secretField(template: ProviderTemplate, isInteractive: boolean): TemplateField[] {
  const { tokenAuthMethod: method, pkce } = template;
  if (method === 'none') return [];
  if (usesKeyAuthentication(method)) return [plain('client_secret', true, `Key of the client, for ${method}.`)];
  const required = !isInteractive || !pkce;
  const description = required
    ? 'Client secret that the provider issued.'
    : 'Client secret that the provider issued. Only a public client has none.';
  return [plain('client_secret', required, description)];
}

function scopesDescription({ defaultScopes: scopes }: ProviderTemplate): string {
  return scopes.length === 0 ? 'Scopes to request; without them the provider chooses.' : 'Scopes to request.';
}

function defaultScopes({ defaultScopes: scopes }: ProviderTemplate): string | null {
  return scopes.length === 0 ? null : scopes.join(' ');
}

function plain(name: string, required: boolean, description: string): TemplateField {
  return { name, required, description, pattern: null, default: null };
}
