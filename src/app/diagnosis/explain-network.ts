import type { ErrorFacts } from './error-chain.ts';

const unreachable = 'the host does not answer: check host and port, and the firewalls between';
const refused = 'the port refuses connections: check host and port, and that the server runs';
const unknownHost = 'the host is not known: check its name';
const expired = 'the certificate of the server is outside its validity: renew it';

const byCode: Readonly<Record<string, string>> = {
  ENOTFOUND: unknownHost,
  EAI_AGAIN: unknownHost,
  ECONNREFUSED: refused,
  ETIMEDOUT: unreachable,
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,
  CERT_HAS_EXPIRED: expired,
  CERT_NOT_YET_VALID: expired,
};

const unknownAuthority = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
]);

export function explainNetwork({ code }: ErrorFacts): string | undefined {
  return byCode[code];
}

export function isUnknownAuthority({ code }: ErrorFacts): boolean {
  return unknownAuthority.has(code);
}

export function isTlsFailure({ code }: ErrorFacts): boolean {
  return code === 'EPROTO' || code.startsWith('ERR_SSL_');
}

export const hostDoesNotAnswer = unreachable;
