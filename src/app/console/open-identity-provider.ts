import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import type { Config } from '../../config.ts';
import { createIdentityProvider, type IdentityProvider } from '../../console/sign-in/identity-provider.ts';
import type { SignInFailure } from '../../console/sign-in/sign-in-failure.ts';
import { createGuardedHttp, type GuardedHttp } from '../../outbound/guarded-http.ts';
import { refusedBeforeSending, unreadable } from '../../outbound/network-failure.ts';
import { parseNoProxy } from '../../outbound/no-proxy.ts';

/** Milliseconds for connecting to the identity provider. */
const connectTimeoutMs = 3_000;
/** Milliseconds for one request. A sign-in sends four at most: discovery, token, keys, userinfo. */
const requestTimeoutMs = 10_000;

interface FetchOptions {
  method: string;
  headers: Record<string, string>;
  body: unknown;
}

/** Opens the sign-in to the console with an identity provider. Null if it is not configured. Calls nothing yet. */
export function openConsoleIdentityProvider(
  { consoleSignIn: settings, providerProxy: { url, noProxy } }: Pick<Config, 'consoleSignIn' | 'providerProxy'>,
  log: Logger,
  stack: AsyncDisposableStack,
  { baseUrl, now }: { baseUrl: () => string; now: () => Date },
): IdentityProvider | null {
  if (settings === null) return null;
  const { issuer, allowPrivateNetwork, caFile } = settings;
  const http = createGuardedHttp({
    allowPrivateNetwork,
    connectTimeoutMs,
    proxy: url === null ? null : { url, bypasses: parseNoProxy(noProxy) },
    ...(caFile !== null && { certificateAuthorities: [readFileSync(caFile, 'utf8')] }),
  });
  stack.defer(() => http.close());
  return createIdentityProvider({
    settings,
    fetch: fetchOver(http),
    baseUrl,
    now,
    onFailed: (failure) => logFailure(log, issuer, failure),
  });
}

/** Gives the guarded client the form of `fetch`. Bodies are bounded; redirects are not followed. */
export function fetchOver(http: Pick<GuardedHttp, 'send'>) {
  return async (url: string, { method, headers, body }: FetchOptions): Promise<Response> => {
    if (method !== 'GET' && method !== 'POST') throw refusedBeforeSending('The method is not one of OpenID Connect.');
    const text = body === undefined || body === null ? null : String(body);
    const response = await http.send({ method, url, headers, body: text }, performance.now() + requestTimeoutMs);
    // A Response has a status from 200 to 599 (Fetch Standard §5.5), and 204, 205 and 304 have no body.
    if (response.status > 599) throw unreadable(response.status);
    if ([204, 205, 304].includes(response.status)) return new Response(null, { status: response.status });
    if (response.body === null || !response.isComplete) throw unreadable(response.status);
    return new Response(response.body, {
      status: response.status,
      headers: { 'content-type': response.contentType },
    });
  };
}

function logFailure(log: Logger, issuer: string, { message, facts }: SignInFailure): void {
  if (facts.reason === 'unavailable') log.warn({ issuer, detail: message }, 'identity provider cannot be used');
  else {
    const subject = facts.reason === 'no_role' ? facts.subject : undefined;
    log.info({ issuer, reason: facts.reason, detail: message, subject }, 'sign-in to the console refused');
  }
}
