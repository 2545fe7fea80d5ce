import { createHash } from 'node:crypto';
import { Secret } from '../domain/secret.ts';
import { readPem, UnusableKey } from './pem.ts';

/** What a client presents in the TLS handshake (RFC 8705 §2). */
export interface ClientCertificate {
  /** Tells certificates apart, and with them their keys; no secret. */
  id: string;
  /** PEM, the client's own certificate first. */
  chain: string;
  /** PKCS#8 PEM. */
  key: Secret;
  expiresAt: Date;
}

/** A PEM bundle of the certificate, its private key and any intermediates. Throws UnusableKey. */
export function readClientCertificate(secret: Secret): ClientCertificate {
  const { key, certificates } = readPem(secret.reveal());
  const [own] = certificates;
  if (own === undefined) {
    throw new UnusableKey('It holds no certificate in PEM form (-----BEGIN CERTIFICATE-----).');
  }
  const chain = certificates.map((certificate) => certificate.toString()).join('');
  return {
    id: createHash('sha256').update(chain).digest('base64url'),
    chain,
    key: new Secret(key.export({ type: 'pkcs8', format: 'pem' }).toString()),
    expiresAt: own.validToDate,
  };
}
