import { createHash } from 'node:crypto';
import type { ProviderTemplate } from '../../../src/domain/connections/template.ts';
import { renamed } from './expected-requests.ts';
import { fillIn, fillInAll, type Registration } from './registration.ts';

/** Characters that RFC 3986 allows in a query beside those that `encodeURIComponent` leaves. */
const unencodedText = /^[A-Za-z0-9\-._~!$'()*,;:@/?]*$/;
const encodedText = /^(?:[A-Za-z0-9\-_.!~*'()]|%[0-9A-F]{2})*$/;

/** Lists how an authorization URL differs from the one that the template describes. Reads its text, not a parsed URL. */
export function faultsOfAuthorizationUrl(
  template: ProviderTemplate,
  registration: Registration,
  url: string,
  { state, verifier }: { state: string; verifier: string | null },
): string[] {
  const faults: string[] = [];
  const fault = (text: string) => faults.push(`authorization: ${text}`);
  const base = fillIn(template, registration, template.authorizationUrl ?? '') ?? '';
  const { address, own, sent } = split(template, base, url);
  if (address !== split(template, base, base).address) fault(`the URL is ${address}`);
  if ((verifier !== null) !== template.pkce) fault(`there is ${verifier === null ? 'no' : 'a'} PKCE verifier`);
  const expected: Record<string, string> = {
    ...own,
    ...renamed(template, {
      ...fillInAll(template, registration, template.authorizeParams),
      scope: registration.scopes.join(template.scopeSeparator),
      response_type: 'code',
      client_id: registration.clientId,
      redirect_uri: registration.redirectUri,
      state,
      ...(verifier !== null && {
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
      }),
    }),
  };
  const found = new Map<string, string>();
  for (const pair of sent === '' ? [] : sent.split('&')) {
    const [name = '', raw = ''] = pair.split(/=(.*)/s);
    if (found.has(name)) fault(`the parameter ${name} is sent twice`);
    const value = decodeURIComponent(raw);
    const isAsIs = template.unencodedParams.includes(name) && unencodedText.test(value);
    if (isAsIs ? raw !== value : !encodedText.test(raw)) fault(`the parameter ${name} is encoded as ${raw}`);
    found.set(decodeURIComponent(name), value);
  }
  for (const name of new Set([...found.keys(), ...Object.keys(expected)])) {
    if (found.get(name) !== expected[name]) {
      fault(`the parameter ${name} is ${JSON.stringify(found.get(name))}, not ${JSON.stringify(expected[name])}`);
    }
  }
  return faults;
}

/** Splits a URL at the place of its parameters: the query, or the part of the fragment after its question mark. */
function split({ authorizeParamsIn }: ProviderTemplate, base: string, url: string) {
  if (authorizeParamsIn === 'fragment') {
    const [before = '', fragment = ''] = url.split(/#(.*)/s);
    const [place = '', sent = ''] = fragment.split(/\?(.*)/s);
    return { address: `${before}#${place}`, own: {}, sent };
  }
  const [address = '', sent = ''] = url.split(/\?(.*)/s);
  const own = Object.fromEntries(new URLSearchParams(base.split('#')[0]?.split(/\?(.*)/s)[1] ?? ''));
  return { address: address.split('#')[0] ?? '', own, sent };
}

/** Parameters with which this provider sends the browser back. */
export function callbackOf(
  template: ProviderTemplate,
  registration: Registration,
  { state, code }: { state: string; code: string },
): URLSearchParams {
  const issuer = template.issuer === null ? null : fillIn(template, registration, template.issuer);
  return new URLSearchParams({
    ...Object.fromEntries(Object.values(template.response.callbackExtra).map((name) => [name, `callback-${name}`])),
    [template.codeParam]: code,
    state,
    ...(issuer ? { iss: issuer } : {}),
  });
}
