/**
 * Tells whether the protocol sets this parameter itself; extra parameters may not use its name. Compared as servers read
 * names: many ignore the case, PHP reads `redirect_uri[]` and `redirect.uri` as `redirect_uri`.
 */
export function isProtocolName(name: string): boolean {
  const read = nameAsRead(name);
  // Only this spelling of response_mode has its value checked.
  return names.has(read) || read.startsWith('code') || (read === 'response_mode' && name !== 'response_mode');
}

function nameAsRead(name: string): string {
  const [first = ''] = name.toLowerCase().replace(/^\[+/, '').split(/[[\]]/, 1);
  return first.replaceAll('.', '_');
}

/** `request` and `request_uri` replace the whole request by another one (RFC 9101 §5). */
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
  'assertion',
  'request',
  'request_uri',
  'dpop_jkt',
]);
