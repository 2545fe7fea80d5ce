import { type ErrorFacts, errorChain } from './error-chain.ts';
import { explainNetwork, hostDoesNotAnswer, isTlsFailure, isUnknownAuthority } from './explain-network.ts';

const ended = 'the server ended the connection: check the port, and whether it requires TLS (rediss://)';

/** Beginnings of messages of Redis. The first word is its error code, and the rest tells causes of ERR apart. */
const byBeginning: readonly (readonly [beginning: RegExp, explanation: string])[] = [
  [/^WRONGPASS|^ERR invalid password/, 'the user or the password is wrong, or the user is off'],
  [/^NOAUTH/, 'the server requires a password: write redis://:PASSWORD@HOST'],
  [/^ERR AUTH <password> called without any password/, 'the server has no password: remove it'],
  [
    /^NOPERM/,
    'the user lacks a right: grant it with ACL SETUSER USER ~token-broker:* &* +@all -@admin -@dangerous +info +client',
  ],
  [
    /^ERR (DB index is out of range|invalid DB index|SELECT is not allowed)/,
    'the number after the last / names no database of this server',
  ],
  [/^(MOVED|ASK|CROSSSLOT|CLUSTERDOWN)\b/, 'the server is part of a cluster: name a server without cluster mode'],
  [
    /^ERR unknown command .*(eval|hset|zadd|xadd|set|multi)/i,
    'the server is no Redis for data: name the primary, not a sentinel',
  ],
  [/^READONLY/, 'the server is a read-only replica: name the primary'],
  [/^LOADING/, 'the server is loading its data'],
  [/^Connection is closed|^The connection was closed/, ended],
  // A port without TLS leaves a TLS client without an answer.
  [/^connect ETIMEDOUT/, `${hostDoesNotAnswer}, and that the port has TLS if the URL begins with rediss://`],
];

/** Says which part of REDIS_URL to check after a failure, without quoting it. Undefined if the failure says nothing. */
export function explainRedis(error: unknown): string | undefined {
  for (const facts of errorChain(error)) {
    const explained =
      ofTls(facts) ??
      byBeginning.find(([beginning]) => beginning.test(facts.message))?.[1] ??
      explainNetwork(facts) ??
      (facts.code === 'ECONNRESET' || facts.code === 'EPIPE' ? ended : undefined);
    if (explained !== undefined) return explained;
  }
  return undefined;
}

function ofTls(facts: ErrorFacts): string | undefined {
  if (isUnknownAuthority(facts)) {
    return 'the certificate of the server is not signed by a known CA: name its CA with NODE_EXTRA_CA_CERTS';
  }
  if (facts.code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return 'the certificate of the server is for another host: name that host';
  return isTlsFailure(facts) ? 'the port has no TLS: check the port, or write redis:// for rediss://' : undefined;
}
