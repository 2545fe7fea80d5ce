import * as oauth from 'oauth4webapi';
import type { OAuthClient } from '../domain/ports/oauth.ts';
import { ProviderFailure } from '../domain/provider-failure.ts';
import type { Secret } from '../domain/secret.ts';
import { proveClient } from './client-authentication.ts';
import type { GuardedHttp } from './guarded-http.ts';
import { refusedBeforeSending, unreadable } from './network-failure.ts';
import type { OutboundAnswer, OutboundRequest } from './outbound.ts';
import { type StandardRequest, shapeRequest } from './outgoing-request.ts';
import type { Provider } from './resolve-provider.ts';
import { type RetryRule, type RetryTiming, withRetries } from './retry.ts';

export interface CallTiming extends RetryTiming {
  /** Ends a call whatever it waits for, retries and older secrets included. */
  callCapMs: number;
}

export interface ProtocolDependencies {
  http: GuardedHttp;
  timing: CallTiming;
}

type ProtocolFetch = (url: string, options: oauth.CustomFetchOptions<'POST', URLSearchParams>) => Promise<Response>;

/** What the protocol core is given for one request, in its own types. */
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
  /** Set last, over what the core wrote: a template may even name another grant_type. */
  templateParameters: Record<string, string>;
  requestBody?: 'form' | 'json' | 'query';
  /** Turns what arrived into what the core is shown; throws ProviderFailure for a refusal. Decides about retries. */
  read(answer: OutboundAnswer): { result: T; shown: object | null };
  /** Makes the core write the request and judge the answer. */
  run(context: ProtocolContext): Promise<unknown>;
}

const idTokenToleranceSeconds = 60;

/**
 * Runs one protocol request: the core writes it, the template reshapes it, the guarded client sends it, the answer is
 * made canonical for the core to judge. Tries an older client secret only where the provider said invalid_client.
 */
export async function callProtocol<T>({ http, timing }: ProtocolDependencies, call: ProtocolCall<T>): Promise<T> {
  const deadline = performance.now() + timing.callCapMs;
  const secrets: readonly (Secret | null)[] = call.client.secrets.length === 0 ? [null] : call.client.secrets;
  for (const [index, secret] of secrets.entries()) {
    try {
      return await callWith(secret, deadline, http, timing, call);
    } catch (error) {
      const rejected =
        error instanceof ProviderFailure &&
        error.facts.class === 'client' &&
        error.facts.oauthError !== 'unauthorized_client';
      if (!rejected || index === secrets.length - 1) throw error;
    }
  }
  throw refusedBeforeSending('The connection has no client secret.');
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
  const { authentication, certificate } = proveClient(provider, secret);
  const send = async (url: string, options: oauth.CustomFetchOptions<'POST', URLSearchParams>): Promise<Response> => {
    const request = shape({ url, parameters: options.body, headers: options.headers }, call);
    const answer = await http.send({ ...request, certificate }, deadline);
    const { result, shown } = call.read(answer);
    read = { result, status: answer.status };
    return toResponse(shown);
  };
  const context: ProtocolContext = {
    as: {
      // The core wants some issuer even where nobody knows it; it is compared with nothing then.
      issuer: provider.issuer ?? 'https://issuer.invalid',
      ...(provider.tokenUrl !== null && { token_endpoint: provider.tokenUrl }),
      ...(provider.revocationUrl !== null && { revocation_endpoint: provider.revocationUrl }),
    },
    client: { client_id: provider.settings.clientId, [oauth.clockTolerance]: idTokenToleranceSeconds },
    authentication,
    // Which schemes may be called is the guarded client's to say, at one place.
    options: { [oauth.customFetch]: send, [oauth.allowInsecureRequests]: true },
  };
  try {
    // Each try is written anew: a client assertion is good for one request (RFC 7523 §3, jti).
    await withRetries(call.retry, timing, deadline, () => call.run(context));
  } catch (error) {
    if (error instanceof ProviderFailure) throw error;
    // The core's errors carry bodies and tokens in `cause`: none of it goes on.
    throw read === undefined
      ? refusedBeforeSending('The request to the provider could not be made.')
      : unreadable(read.status);
  }
  if (read === undefined) throw refusedBeforeSending('The request to the provider was never made.');
  return read.result;
}

/** JSON already: what the core reads of it is not written and parsed once more. */
function toResponse(shown: object | null): Response {
  const response = new Response(null, { status: 200, headers: { 'content-type': 'application/json' } });
  return shown === null ? response : Object.assign(response, { json: async () => shown });
}

function shape<T>(standard: StandardRequest, call: ProtocolCall<T>): OutboundRequest {
  for (const [name, value] of Object.entries(call.templateParameters)) standard.parameters.set(name, value);
  const { template } = call.provider;
  return shapeRequest(standard, { ...template, requestBody: call.requestBody ?? template.requestBody });
}
