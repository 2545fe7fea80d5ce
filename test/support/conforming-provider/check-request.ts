import { verify } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { ProviderTemplate } from '../../../src/domain/connections/template.ts';
import type { ExpectedRequest } from './expected-requests.ts';
import { fillIn, type Registration } from './registration.ts';

export interface ReceivedRequest {
  method: string;
  /** URL that the client called, before the test sent it to this provider. */
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** Lists how a request differs from the one that the template describes. Decodes it without any code under test. */
export function faultsOfRequest(
  template: ProviderTemplate,
  registration: Registration,
  expected: ExpectedRequest,
  received: ReceivedRequest,
): string[] {
  const faults: string[] = [];
  const { label } = expected;
  const same = (what: string, actual: unknown, wanted: unknown) => {
    if (actual !== wanted) faults.push(`${label}: ${what} is ${JSON.stringify(actual)}, not ${JSON.stringify(wanted)}`);
  };
  const [address, query = ''] = received.url.split('?');
  const [wantedAddress, wantedQuery = ''] = expected.url.split('?');
  same('the method', received.method, expected.method);
  same('the URL', address, wantedAddress);
  for (const [name, value] of Object.entries(expected.headers))
    same(`the header ${name}`, received.headers[name], value);
  same('the content type', mediaTypeOf(received), mediaTypes[expected.encoding] ?? expected.headers['content-type']);

  const parameters = parametersOf(expected, received.body, query, faults);
  const ofUrl = expected.encoding === 'query' ? new URLSearchParams(wantedQuery) : new URLSearchParams();
  if (expected.encoding !== 'query') same('the query', query, wantedQuery);
  if (expected.authenticates) {
    faults.push(
      ...faultsOfClient(template, registration, received.headers, parameters).map((fault) => `${label}: ${fault}`),
    );
  } else if (expected.headers.authorization === undefined) {
    same('the header authorization', received.headers.authorization, undefined);
  }
  const wanted = { ...Object.fromEntries(ofUrl), ...expected.parameters };
  for (const name of new Set([...parameters.keys(), ...Object.keys(wanted)])) {
    same(`the parameter ${name}`, parameters.get(name), wanted[name]);
  }
  return faults;
}

const mediaTypes: Record<ExpectedRequest['encoding'], string | undefined> = {
  form: 'application/x-www-form-urlencoded',
  json: 'application/json',
  query: undefined,
  none: undefined,
};

function mediaTypeOf({ headers }: ReceivedRequest): string | undefined {
  return headers['content-type']?.split(';')[0];
}

function parametersOf(
  { label, encoding, body }: ExpectedRequest,
  received: string,
  query: string,
  faults: string[],
): Map<string, string> {
  if (encoding === 'form') return decodeForm(received, label, faults);
  if (encoding === 'json') return decodeJson(received, label, faults);
  if (received !== (body ?? '')) faults.push(`${label}: the body is ${JSON.stringify(received)}`);
  return encoding === 'query' ? decodeForm(query, label, faults) : new Map();
}

/** Decodes application/x-www-form-urlencoded. Reports a parameter that is sent twice. */
export function decodeForm(text: string, label: string, faults: string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const pair of text === '' ? [] : text.split('&')) {
    const [name = '', value = '', ...rest] = pair.split('=').map(decodeComponent);
    if (found.has(name)) faults.push(`${label}: the parameter ${name} is sent twice`);
    if (rest.length > 0) faults.push(`${label}: the parameter ${name} is not encoded`);
    found.set(name, value);
  }
  return found;
}

function decodeJson(text: string, label: string, faults: string[]): Map<string, string> {
  try {
    const members: [string, unknown][] = Object.entries(JSON.parse(text));
    for (const [name, value] of members) {
      if (typeof value !== 'string') faults.push(`${label}: the member ${name} is no text`);
    }
    return new Map(members.map(([name, value]) => [name, String(value)]));
  } catch {
    faults.push(`${label}: the body is no JSON object`);
    return new Map();
  }
}

function decodeComponent(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}

/** Checks client authentication, and takes its parameters out of the request. */
function faultsOfClient(
  template: ProviderTemplate,
  registration: Registration,
  { authorization }: IncomingHttpHeaders,
  parameters: Map<string, string>,
): string[] {
  const take = (name: string) => {
    const sentAs = Object.hasOwn(template.renamedParams, name) ? template.renamedParams[name] : name;
    if (sentAs === null || sentAs === undefined) return null;
    const value = parameters.get(sentAs);
    parameters.delete(sentAs);
    return value;
  };
  const { clientId, secret, method } = registration;
  const ids = (id: string | null | undefined) => (id === null || id === clientId ? [] : [`the client id is ${id}`]);
  switch (method) {
    case 'client_secret_basic':
    case 'client_secret_basic_raw': {
      const decode = method === 'client_secret_basic' ? decodeComponent : (text: string) => text;
      const pair = Buffer.from(/^Basic (\S+)$/.exec(authorization ?? '')?.[1] ?? '', 'base64').toString('utf8');
      const colon = pair.indexOf(':');
      const [id, sent] = [pair.slice(0, colon), pair.slice(colon + 1)].map(safely(decode));
      return id === clientId && sent === secret
        ? []
        : [`Basic holds ${JSON.stringify(pair)}, not the client and its secret`];
    }
    case 'client_secret_post': {
      const sent = take('client_secret');
      const faults = sent === null || sent === secret ? [] : [`the client secret is ${sent}`];
      return [...faults, ...ids(take('client_id')), ...withoutHeader(authorization)];
    }
    case 'none':
      return [...ids(take('client_id')), ...withoutHeader(authorization)];
    case 'private_key_jwt': {
      const type = take('client_assertion_type');
      const faults = type === null || type === assertionType ? [] : [`the assertion type is ${type}`];
      const assertion = take('client_assertion');
      return [
        ...faults,
        ...(assertion === null ? [] : faultsOfAssertion(template, registration, assertion ?? '')),
        ...ids(take('client_id')),
        ...withoutHeader(authorization),
      ];
    }
    default:
      return [`this provider cannot check ${method}`];
  }
}

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

function withoutHeader(authorization: string | undefined): string[] {
  return authorization === undefined ? [] : ['there is an Authorization header'];
}

function safely(decode: (text: string) => string): (text: string) => string | null {
  return (text) => {
    try {
      return decode(text);
    } catch {
      return null;
    }
  };
}

/** Verifies a client assertion with the registered key (RFC 7523 §3). */
function faultsOfAssertion(template: ProviderTemplate, registration: Registration, assertion: string): string[] {
  const [header = '', payload = '', signature = ''] = assertion.split('.');
  const key = { key: registration.publicKey, dsaEncoding: 'ieee-p1363' } as const;
  if (!verify('sha256', Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url'))) {
    return ['the client assertion is not signed with the registered key'];
  }
  const { iss, sub, aud } = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
  const issuer = template.issuer === null ? null : fillIn(template, registration, template.issuer);
  const urls = [template.tokenUrl, template.refreshUrl].map((url) => fillIn(template, registration, url ?? ''));
  const audiences = template.clientAssertionAudience === 'issuer' && issuer ? [issuer] : urls;
  return [
    ...(iss === registration.clientId && sub === registration.clientId
      ? []
      : [`the assertion is by ${iss} for ${sub}`]),
    ...(audiences.includes(aud) ? [] : [`the audience of the assertion is ${aud}`]),
  ];
}
