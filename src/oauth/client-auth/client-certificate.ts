import { createHash } from 'node:crypto';
import { Secret } from '../../domain/secret.ts';
import type { ClientCertificate } from '../../outbound/http-types.ts';
import { readPem, UnusableKey } from './pem.ts';

/** Reads a PEM bundle of certificate, private key and any intermediates. Throws UnusableKey. */
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
