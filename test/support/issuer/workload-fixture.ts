import type { ClaimRule, TrustedIssuer } from '../../../src/domain/callers/trusted-issuer.ts';
import { signatureAlgorithms } from '../../../src/domain/callers/trusted-issuer.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { createWorkloadTokens } from '../../../src/oauth/issuers/create-workload-tokens.ts';
import { createGuardedHttp } from '../../../src/outbound/guarded-http.ts';
import type { Issuer } from './issuer.ts';

export const readerRule: ClaimRule = {
  claims: { sub: 'job*' },
  permissions: ['credentials:read'],
  organizations: ['acme'],
  global: false,
  connections: ['crm-*'],
  rateLimitPerMinute: null,
};

export function trusting(issuer: Issuer, change: Partial<TrustedIssuer> = {}): TrustedIssuer {
  return {
    issuer: issuer.issuer,
    audiences: ['broker'],
    jwksUri: null,
    algorithms: signatureAlgorithms,
    allowPrivateNetwork: true,
    caFile: null,
    rules: [readerRule],
    ...change,
  };
}

/** Opens the verification of tokens as the service does, with a clock that the test moves. */
export function openWorkload(...issuers: TrustedIssuer[]) {
  const refusals: { reason: string; subject: string | null }[] = [];
  const failures: string[] = [];
  const keysRead: number[] = [];
  const closing: (() => Promise<void>)[] = [];
  const time = { now: Date.now(), elapsed: 0 };
  const tokens = createWorkloadTokens({
    issuers,
    httpFor: ({ allowPrivateNetwork }) => {
      const http = createGuardedHttp({ allowPrivateNetwork, connectTimeoutMs: 1000 });
      closing.push(() => http.close());
      return http;
    },
    now: () => new Date(time.now),
    elapsed: () => time.elapsed,
    onRefused: ({ reason, subject }) => refusals.push({ reason, subject }),
    onKeysRead: ({ keys }) => keysRead.push(keys),
    onKeysFailed: ({ error }) => failures.push(String(error)),
  });
  return {
    refusals,
    failures,
    keysRead,
    verify: (token: string) => tokens.verify(new Secret(token)),
    recall: (token: string) => tokens.recall(new Secret(token)),
    now: () => new Date(time.now),
    pass(ms: number) {
      time.now += ms;
      time.elapsed += ms;
    },
    /** Verifies a token and returns why it was refused; `accepted` if it was not, `ignored` without a reason. */
    async outcome(token: string): Promise<string> {
      refusals.length = 0;
      const caller = await tokens.verify(new Secret(token));
      return caller === undefined ? (refusals[0]?.reason ?? 'ignored') : 'accepted';
    },
    close: async () => void (await Promise.all(closing.map((close) => close()))),
  };
}
