import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import type { Config } from '../../config.ts';
import type { TrustedIssuer } from '../../domain/callers/trusted-issuer.ts';
import type { WorkloadTokens } from '../../domain/ports/workload-tokens.ts';
import { createWorkloadTokens } from '../../oauth/issuers/create-workload-tokens.ts';
import { createGuardedHttp } from '../../outbound/guarded-http.ts';
import { parseNoProxy } from '../../outbound/no-proxy.ts';

/** Milliseconds for connecting to an issuer. A token waits for its keys no longer than 5 seconds. */
const connectTimeoutMs = 3_000;

/** Opens the verification of tokens of TRUSTED_ISSUERS. Calls no issuer: the first token of each does. */
export function openWorkloadTokens(
  { trustedIssuers: issuers, providerProxy: { url, noProxy } }: Config,
  log: Logger,
  stack: AsyncDisposableStack,
  now: () => Date,
): WorkloadTokens {
  const proxy = url === null ? null : { url, bypasses: parseNoProxy(noProxy) };
  return createWorkloadTokens({
    issuers,
    // A client of its own for each issuer: what one issuer may reach, and whom it trusts, concerns no other call.
    httpFor: ({ allowPrivateNetwork, caFile }: TrustedIssuer) => {
      const http = createGuardedHttp({
        allowPrivateNetwork,
        connectTimeoutMs,
        proxy,
        ...(caFile !== null && { certificateAuthorities: [readFileSync(caFile, 'utf8')] }),
      });
      stack.defer(() => http.close());
      return http;
    },
    now,
    onRefused: ({ issuer, reason, subject }) => log.info({ issuer, reason, subject }, 'workload token refused'),
    onKeysRead: ({ issuer, keys }) => log.info({ issuer, keys }, 'issuer keys read'),
    onKeysFailed: ({ issuer, error }) => log.warn({ issuer, err: error }, 'issuer keys cannot be read'),
  });
}
