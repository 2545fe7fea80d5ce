import * as oauth from 'oauth4webapi';
import type { OAuthClient } from '../../domain/ports/oauth.ts';
import { ProviderFailure } from '../../domain/provider-failure.ts';
import type { Secret } from '../../domain/secret.ts';
import type { GuardedHttp } from '../../outbound/guarded-http.ts';
import type { OutboundRequest, OutboundResponse } from '../../outbound/http-types.ts';
import { refusedBeforeSending, unreadable } from '../../outbound/network-failure.ts';
import { authenticateClient } from '../client-auth/client-authentication.ts';
import type { Provider } from '../providers/resolve-provider.ts';
import { type RetryRule, type RetryTiming, withRetries } from './retry.ts';
import { type StandardRequest, shapeRequest } from './shape-request.ts';

export interface CallTiming extends RetryTiming {
  /** Maximum duration of a call, including retries and tries with older secrets. Leases on grants must last longer. */
  callCapMs: number;
}

export interface ProtocolDependencies {
  http: GuardedHttp;
  timing: CallTiming;
}

type ProtocolFetch = (url: string, options: oauth.CustomFetchOptions<'POST', URLSearchParams>) => Promise<Response>;

/** Arguments of the protocol core (oauth4webapi) for one request, in its own types. */
export interface ProtocolContext {
  as: oauth.AuthorizationServer;
  client: oauth.Client;
  authentication: oauth.ClientAuth;
  options: {
    [oauth.customFetch]: ProtocolFetch;
    [oauth.allowInsecureRequests]: true;
    additionalParameters?: URLSearchParams;
  };
}

export interface ProtocolCall<T> {
  provider: Provider;
  client: OAuthClient;
  retry: RetryRule;
  /** Set after the core has written its parameters, which they replace: a template may even set another grant_type. */
  templateParameters: Record<string, string>;
  requestBody?: 'form' | 'json' | 'query';
  /**
   * Reads the result, and the canonical response that the core validates (null: an empty one). Throws ProviderFailure
   * for a refusal; the failure's class decides about retries.
   */
  read(response: OutboundResponse): { result: T; canonical: object | null };
  /** Lets the core write the request and validate the response. */
  run(context: ProtocolContext): Promise<unknown>;
}

/**
 * Runs one protocol request. The core writes it, the template reshapes it, the guarded client sends it. The response is
 * made canonical before the core validates it. An older client secret is tried only after invalid_client.
 */
export async function callProtocol<T>({ http, timing }: ProtocolDependencies, call: ProtocolCall<T>): Promise<T> {
  const deadline = performance.now() + timing.callCapMs;
  const secrets: readonly (Secret | null)[] = call.client.secrets.length === 0 ? [null] : call.client.secrets;
  for (const [index, secret] of secrets.entries()) {
    try {
      const result = await callWith(secret, deadline, http, timing, call);
      if (secrets.length > 1) call.client.onSecretAccepted?.(index);
      return result;
    } catch (error) {
      if (!isSecretRejected(error) || index === secrets.length - 1) throw error;
    }
  }
  throw refusedBeforeSending('The connection has no client secret.');
}

/**
 * Checks whether the provider answered and refused the secret itself: it has not looked at the code or refresh token, so
 * sending that again with an older secret spends nothing. After a lost answer that is not certain.
 */
function isSecretRejected(error: unknown): boolean {
  if (!(error instanceof ProviderFailure)) return false;
  const { class: failureClass, oauthError, answered, lost } = error.facts;
  return failureClass === 'client' && oauthError !== 'unauthorized_client' && answered && lost !== true;
}

async function callWith<T>(
  secret: Secret | null,
  deadline: number,
  http: GuardedHttp,
  timing: RetryTiming,
  call: ProtocolCall<T>,
): Promise<T> {
  const { provider } = call;
  let read: { result: T; status: number } | undefined;
  const { authentication, certificate } = authenticateClient(provider, secret);
  const send = async (url: string, options: oauth.CustomFetchOptions<'POST', URLSearchParams>): Promise<Response> => {
    const request = shape({ url, parameters: options.body, headers: options.headers }, call);
    const response = await http.send({ ...request, certificate }, deadline);
    const { result, canonical } = call.read(response);
    read = { result, status: response.status };
    return toFetchResponse(canonical);
  };
  const context: ProtocolContext = {
    as: {
      // The core requires an issuer. If it is unknown, the core compares this placeholder with nothing.
      issuer: provider.issuer ?? 'https://issuer.invalid',
      ...(provider.tokenUrl !== null && { token_endpoint: provider.tokenUrl }),
      ...(provider.revocationUrl !== null && { revocation_endpoint: provider.revocationUrl }),
    },
    client: { client_id: provider.settings.clientId },
    authentication,
    // Only the guarded client decides whether plain http is allowed.
    options: { [oauth.customFetch]: send, [oauth.allowInsecureRequests]: true },
  };
  try {
    // The core writes each try anew: a client assertion may be used once (RFC 7523 §3, jti).
    await withRetries(call.retry, timing, deadline, () => call.run(context));
  } catch (error) {
    if (error instanceof ProviderFailure) throw error;
    // The core's errors hold bodies and tokens in `cause`: they are dropped.
    throw read === undefined
      ? refusedBeforeSending('The request to the provider could not be made.')
      : unreadable(read.status);
  }
  if (read === undefined) throw refusedBeforeSending('The request to the provider was never made.');
  return read.result;
}

/** Wraps the normalized token response as the fetch response that oauth4webapi reads. */
function toFetchResponse(canonical: object | null): Response {
  return canonical === null ? new Response(null, { status: 200 }) : Response.json(canonical);
}

function shape<T>(standard: StandardRequest, call: ProtocolCall<T>): OutboundRequest {
  for (const [name, value] of Object.entries(call.templateParameters)) standard.parameters.set(name, value);
  const { template } = call.provider;
  return shapeRequest(standard, { ...template, requestBody: call.requestBody ?? template.requestBody });
}
