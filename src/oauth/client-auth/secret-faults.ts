import { createSecureContext } from 'node:tls';
import type { ConnectionSettings } from '../../domain/connections/connection.ts';
import type { Fault } from '../../domain/errors.ts';
import type { ProviderCatalogue } from '../../domain/ports/oauth.ts';
import type { Secret } from '../../domain/secret.ts';
import { readClientCertificate } from './client-certificate.ts';
import { UnusableKey } from './pem.ts';
import { readSigningKey } from './signing-key.ts';

/** Finds faults of a client secret under the authentication method in force. Methods without a key accept any text. */
export function secretFaults(
  catalogue: ProviderCatalogue,
  settings: ConnectionSettings,
  secret: Secret,
  now: Date,
): Fault[] {
  try {
    switch (settings.tokenAuthMethod ?? catalogue.find(settings.provider)?.tokenAuthMethod) {
      case 'private_key_jwt':
        readSigningKey(secret);
        break;
      case 'tls_client_auth':
      case 'self_signed_tls_client_auth':
        checkClientCertificate(secret, now);
        break;
    }
    return [];
  } catch (error) {
    if (!(error instanceof UnusableKey)) throw error;
    return [{ path: 'client_secret', message: error.message }];
  }
}

function checkClientCertificate(secret: Secret, now: Date): void {
  const { chain, key, expiresAt } = readClientCertificate(secret);
  if (expiresAt <= now) throw new UnusableKey(`The certificate expired on ${expiresAt.toISOString()}.`);
  try {
    createSecureContext({ cert: chain, key: key.reveal() });
  } catch {
    throw new UnusableKey('The certificate or its key is too weak for TLS, or of a kind that TLS does not know.');
  }
}
