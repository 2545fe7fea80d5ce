/** Readers of JSON from other systems. They never throw: a wrong type counts as absent. */

export function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A text that is not empty. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

/** Scopes of a list, or of one text with spaces or commas. */
export function scopesOf(value: unknown): string[] | undefined {
  const texts = Array.isArray(value) ? value.filter((scope) => typeof scope === 'string') : [textOf(value) ?? ''];
  const scopes = texts.flatMap((text) => text.split(/[\s,]+/)).filter((scope) => scope !== '');
  return scopes.length === 0 ? undefined : scopes;
}

/** Members of a token response that a grant holds elsewhere, or not at all. */
const protocolMembers = new Set([
  'access_token',
  'refresh_token',
  'token_type',
  'expires_in',
  'expires_at',
  'scope',
  'id_token',
]);

/** Further values of a token response, such as instance_url. */
export function extraOf(response: Readonly<Record<string, unknown>>): Record<string, unknown> | undefined {
  const entries = Object.entries(response).filter(([name, value]) => !protocolMembers.has(name) && value != null);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** Parameters that the protocol sets by itself; a connection refuses them. */
const protocolParameters =
  /^(state|redirect_uri|client_id|response_type|code.*|grant_type|refresh_token|client_secret|scope)$/;

/** Text parameters of an authorization or token request, without those of the protocol. */
export function parametersOf(value: unknown): Record<string, string> | undefined {
  const entries = Object.entries(recordOf(value)).flatMap(([name, found]) => {
    const text = typeof found === 'number' || typeof found === 'boolean' ? String(found) : textOf(found);
    return text === undefined || protocolParameters.test(name) ? [] : [[name, text] as const];
  });
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}
