import type { ProviderTemplate, TokenKind } from '../../../src/domain/connections/template.ts';
import { fillIn, fillInAll, type Registration } from './registration.ts';

/** A request as the template describes it. */
export interface ExpectedRequest {
  label: string;
  method: string;
  url: string;
  /** Exactly these parameters, besides those of client authentication. */
  parameters: Record<string, string>;
  encoding: 'form' | 'json' | 'query' | 'none';
  /** Body as a whole, if the template states it. */
  body?: string;
  headers: Record<string, string>;
  /** Whether the client authenticates. */
  authenticates: boolean;
}

interface Scene {
  template: ProviderTemplate;
  registration: Registration;
}

export function expectedExchange(
  { template, registration }: Scene,
  { code, verifier }: { code: string; verifier: string | null },
): ExpectedRequest {
  return tokenRequest({ template, registration }, 'code exchange', template.tokenUrl, {
    grant_type: 'authorization_code',
    code,
    redirect_uri: registration.redirectUri,
    ...(verifier !== null && { code_verifier: verifier }),
    ...fillInAll(template, registration, template.tokenParams),
  });
}

export function expectedRefresh(
  { template, registration }: Scene,
  held: { accessToken: string; refreshToken: string },
): ExpectedRequest {
  const { refresh, sendScopeOnRefresh } = template;
  const standard =
    refresh.strategy === 'refresh_token'
      ? { grant_type: 'refresh_token', refresh_token: held.refreshToken }
      : { grant_type: refresh.grantType, [refresh.tokenParam]: held.accessToken };
  return tokenRequest({ template, registration }, 'refresh', template.refreshUrl ?? template.tokenUrl, {
    ...standard,
    ...(sendScopeOnRefresh && { scope: registration.scopes.join(template.scopeSeparator) }),
    ...fillInAll(template, registration, template.refreshParams),
  });
}

export function expectedClientCredentials({ template, registration }: Scene): ExpectedRequest {
  return tokenRequest({ template, registration }, 'client credentials', template.tokenUrl, {
    grant_type: 'client_credentials',
    scope: registration.scopes.join(template.scopeSeparator),
    ...fillInAll(template, registration, template.tokenParams),
  });
}

/** Lists the requests of a revocation, in their order. */
export function expectedRevocations(
  scene: Scene,
  held: { accessToken: string; refreshToken: string },
): ExpectedRequest[] {
  const { template, registration } = scene;
  const { revocation } = template;
  if (revocation === null) return [];
  const { style } = revocation;
  const url = fillIn(template, registration, revocation.url) ?? '';
  const base = { label: 'revocation', url, method: revocation.method, parameters: {}, authenticates: false } as const;
  const headers = lowerCased(template.requestHeaders);
  if (style === 'bearer') {
    const bearer = { ...headers, authorization: `Bearer ${held.accessToken}` };
    return [{ ...base, encoding: 'none', headers: bearer }];
  }
  const tokenOf: Record<TokenKind, string> = { refresh_token: held.refreshToken, access_token: held.accessToken };
  const kinds = (['refresh_token', 'access_token'] as const).filter((kind) => revocation.tokens.includes(kind));
  return kinds.map((kind): ExpectedRequest => {
    const token = tokenOf[kind];
    if (style === 'path') {
      const [address = '', query] = url.split('?');
      const path = `${address.replace(/\/$/, '')}/${encodeURIComponent(token)}`;
      return { ...base, url: query === undefined ? path : `${path}?${query}`, encoding: 'none', headers };
    }
    if (style === 'query') return { ...base, parameters: { token }, encoding: 'query', headers };
    const parameters = style === 'json' ? { token } : { token, token_type_hint: kind };
    return {
      ...base,
      method: 'POST',
      encoding: style === 'json' ? 'json' : 'form',
      parameters: renamed(template, parameters),
      headers: { accept: 'application/json', ...headers },
      authenticates: true,
    };
  });
}

export function expectedProbe({ template, registration }: Scene, accessToken: string): ExpectedRequest | null {
  const { test: probe } = template;
  if (probe === null) return null;
  return {
    label: 'probe',
    method: probe.method,
    url: fillIn(template, registration, probe.url) ?? '',
    parameters: {},
    encoding: 'none',
    ...(probe.body !== null && { body: probe.body }),
    headers: {
      accept: 'application/json',
      ...(probe.body !== null && { 'content-type': 'application/json' }),
      ...lowerCased(probe.headers),
      [probe.tokenHeader.toLowerCase()]:
        probe.tokenScheme === null ? accessToken : `${probe.tokenScheme} ${accessToken}`,
    },
    authenticates: false,
  };
}

function tokenRequest(
  { template, registration }: Scene,
  label: string,
  url: string | null,
  parameters: Record<string, string>,
): ExpectedRequest {
  return {
    label,
    method: 'POST',
    url: fillIn(template, registration, url ?? '') ?? '',
    parameters: renamed(template, parameters),
    encoding: template.requestBody,
    headers: { accept: 'application/json', ...lowerCased(template.requestHeaders) },
    authenticates: true,
  };
}

export function renamed(template: ProviderTemplate, parameters: Record<string, string>): Record<string, string> {
  const sent = Object.entries(parameters).flatMap(([name, value]) => {
    const sentAs = Object.hasOwn(template.renamedParams, name) ? template.renamedParams[name] : name;
    return sentAs === null || sentAs === undefined ? [] : [[sentAs, value] as const];
  });
  return Object.fromEntries(sent);
}

function lowerCased(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
