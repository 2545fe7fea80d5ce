/** Parameters that belong to the protocol: nobody's extra parameters may name them. */
export function isProtocolName(name: string): boolean {
  return names.has(name) || name.startsWith('code');
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
