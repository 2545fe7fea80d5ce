import {
  allowInsecureRequests,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  type Configuration,
  type CustomFetch,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
} from 'openid-client';
import type { ConsoleSignIn } from '../../domain/callers/console-sign-in.ts';
import { unverified } from './classify-failure.ts';

/** Seconds for each request to the provider. A person waits for it. */
const requestTimeoutSeconds = 10;
/** Time in milliseconds for which the discovery document is kept. Providers rarely change it. */
const keptMs = 60 * 60_000;

/**
 * Reads the discovery document with the first sign-in, and again after an hour. Sign-ins that wait share one request. A
 * failure is not kept: the next sign-in tries again.
 */
export function createProviderConfiguration(
  settings: Pick<ConsoleSignIn, 'issuer' | 'clientId' | 'clientSecret'>,
  fetch: CustomFetch,
  now: () => Date,
): () => Promise<Configuration> {
  let kept: { readAt: number; configuration: Promise<Configuration> } | undefined;
  return () => {
    const at = now().getTime();
    if (kept !== undefined && at < kept.readAt + keptMs) return kept.configuration;
    const reading = { readAt: at, configuration: discover(settings, fetch) };
    kept = reading;
    reading.configuration.catch(() => {
      if (kept === reading) kept = undefined;
    });
    return reading.configuration;
  };
}

async function discover(
  { issuer, clientId, clientSecret }: Pick<ConsoleSignIn, 'issuer' | 'clientId' | 'clientSecret'>,
  fetch: CustomFetch,
): Promise<Configuration> {
  const server = new URL(issuer);
  const configuration = await discovery(server, clientId, {}, authenticationWith(clientSecret.reveal()), {
    [customFetch]: fetch,
    timeout: requestTimeoutSeconds,
    // The library refuses http; the HTTP client allows it for private addresses only.
    execute: server.protocol === 'http:' ? [allowInsecureRequests] : [],
  });
  // The library lets Entra name another issuer, for clients of every tenant. Every tenant has its own groups.
  if (new URL(configuration.serverMetadata().issuer).href !== server.href) throw unverified('issuer');
  // TLS alone would do (OpenID Connect Core §3.1.3.7). The signature also covers a proxy that ends TLS.
  enableNonRepudiationChecks(configuration);
  return configuration;
}

/** OpenID Connect Discovery §3: a provider that lists no method supports client_secret_basic. */
function authenticationWith(secret: string): ClientAuth {
  const [basic, post] = [ClientSecretBasic(secret), ClientSecretPost(secret)];
  return (server, ...rest) => {
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    return (methods.includes('client_secret_basic') ? basic : post)(server, ...rest);
  };
}
