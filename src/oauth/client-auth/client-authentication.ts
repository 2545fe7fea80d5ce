import * as oauth from 'oauth4webapi';
import type { Secret } from '../../domain/secret.ts';
import type { ClientCertificate } from '../../outbound/http-types.ts';
import { refusedBeforeSending } from '../../outbound/network-failure.ts';
import { type Provider, requireUrl } from '../providers/resolve-provider.ts';
import { readClientCertificate } from './client-certificate.ts';
import { UnusableKey } from './pem.ts';
import { readSigningKey } from './signing-key.ts';

/** Client authentication of one request. The core writes `authentication`; the socket presents `certificate`. */
export interface ClientAuthentication {
  authentication: oauth.ClientAuth;
  certificate: ClientCertificate | null;
}

/**
 * Selects exactly one authentication method (RFC 6749 §2.3). Without a secret the client is a public client.
 * Throws ProviderFailure (refused) if the method needs a key and the secret is missing or unusable.
 */
export function authenticateClient(provider: Provider, secret: Secret | null): ClientAuthentication {
  const method = provider.settings.tokenAuthMethod ?? provider.template.tokenAuthMethod;
  switch (method) {
    case 'private_key_jwt':
      return withoutCertificate(signedAssertion(provider, requireKey(secret)));
    case 'tls_client_auth':
    case 'self_signed_tls_client_auth':
      return { authentication: oauth.TlsClientAuth(), certificate: readKey(readClientCertificate, requireKey(secret)) };
    case 'none':
      return withoutCertificate(oauth.None());
  }
  if (secret === null) return withoutCertificate(oauth.None());
  switch (method) {
    case 'client_secret_basic':
      return withoutCertificate(oauth.ClientSecretBasic(secret.reveal()));
    case 'client_secret_basic_raw':
      return withoutCertificate(rawBasic(secret));
    case 'client_secret_post':
      return withoutCertificate(oauth.ClientSecretPost(secret.reveal()));
  }
}

/** Basic authentication for providers that skip the form decoding of RFC 6749 §2.3.1. */
function rawBasic(secret: Secret): oauth.ClientAuth {
  return (_as, client, _body, headers) => {
    const pair = Buffer.from(`${client.client_id}:${secret.reveal()}`, 'utf8').toString('base64');
    headers.set('authorization', `Basic ${pair}`);
  };
}

/** Signs a client assertion (RFC 7523 §2.2, §3). The core gives each one a new jti and a lifetime of one minute. */
function signedAssertion(provider: Provider, secret: Secret): oauth.ClientAuth {
  const { key, header: keyHeader } = readKey(readSigningKey, secret);
  const { clientAssertionAudience } = provider.template;
  const audience =
    clientAssertionAudience === 'issuer' && provider.issuer !== null
      ? provider.issuer
      : requireUrl(provider.tokenUrl, 'token URL');
  return oauth.PrivateKeyJwt(key, {
    [oauth.modifyAssertion](header, payload) {
      Object.assign(header, keyHeader);
      payload.aud = audience;
      // nbf is optional. A provider whose clock is behind ours would reject the assertion because of it.
      delete payload.nbf;
    },
  });
}

function withoutCertificate(authentication: oauth.ClientAuth): ClientAuthentication {
  return { authentication, certificate: null };
}

function requireKey(secret: Secret | null): Secret {
  if (secret === null) throw refusedBeforeSending('The connection has no key to prove itself with.');
  return secret;
}

function readKey<T>(read: (secret: Secret) => T, secret: Secret): T {
  try {
    return read(secret);
  } catch (error) {
    if (!(error instanceof UnusableKey)) throw error;
    throw refusedBeforeSending(`The client secret of this connection cannot be used. ${error.message}`);
  }
}
