import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { type AllClientMetadata, type Configuration, Provider } from 'oidc-provider';
import type { Certified } from './certificates.ts';
import { oauthServerConfiguration } from './configuration.ts';
import { createOAuthServerStore } from './store.ts';

export type TlsOAuthServer = Awaited<ReturnType<typeof startTlsOAuthServer>>;

export interface TlsOAuthServerOptions {
  server: Certified;
  /** Certificates of this authority are verified. */
  authority: Certified;
}

/**
 * Starts a real authorization server over TLS that authenticates clients by certificate (RFC 8705): a certificate of the
 * authority by its subject, a self-signed one by its registered key.
 */
export async function startTlsOAuthServer({ server: own, authority }: TlsOAuthServerOptions) {
  let handle: ReturnType<Provider['callback']> = async () => undefined;
  const server = createServer(
    { cert: own.cert, key: own.key, ca: [authority.cert], requestCert: true, rejectUnauthorized: false },
    (request, response) => void handle(request, response),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the authorization server has no port');
  const issuer = `https://localhost:${address.port}`;

  const store = createOAuthServerStore();
  const plain = oauthServerConfiguration(store.adapterOf, { accessTokenSeconds: 3600, refreshTokenSeconds: 86_400 });
  const provider = new Provider(issuer, {
    ...plain,
    clientAuthMethods: ['tls_client_auth', 'self_signed_tls_client_auth', 'client_secret_basic'],
    features: { ...plain.features, mTLS: byCertificate },
  });
  handle = provider.callback();
  return {
    issuer,
    async registerClient(metadata: Partial<AllClientMetadata>): Promise<string> {
      const clientId = `client-${crypto.randomUUID()}`;
      await store.adapterOf('Client').upsert(clientId, {
        client_id: clientId,
        grant_types: ['client_credentials'],
        response_types: [],
        redirect_uris: [],
        ...metadata,
      });
      return clientId;
    },
    async stop(): Promise<void> {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

const byCertificate: NonNullable<Configuration['features']>['mTLS'] = {
  enabled: true,
  tlsClientAuth: true,
  selfSignedTlsClientAuth: true,
  certificateBoundAccessTokens: false,
  getCertificate: (context) => (context.socket as TLSSocket).getPeerX509Certificate()?.toString(),
  certificateAuthorized: (context) => (context.socket as TLSSocket).authorized,
  certificateSubjectMatches: (context, _property, expected) =>
    new X509Certificate((context.socket as TLSSocket).getPeerX509Certificate()?.toString() ?? '').subject === expected,
};
