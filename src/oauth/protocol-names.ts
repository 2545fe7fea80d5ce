/**
 * Parameters that belong to the protocol: nobody's extra parameters may name them. In any case of letters, because
 * some servers read `Redirect_Uri` as `redirect_uri`.
 */
export function isProtocolName(name: string): boolean {
  const lowerCased = name.toLowerCase();
  return names.has(lowerCased) || lowerCased.startsWith('code');
}

const names = new Set([
  'state',
  'redirect_uri',
  'client_id',
  'response_type',
  'grant_type',
  'refresh_token',
  'client_secret',
  'client_assertion',
  'client_assertion_type',
]);
