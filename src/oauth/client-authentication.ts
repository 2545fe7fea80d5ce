import * as oauth from 'oauth4webapi';
import type { Secret } from '../domain/secret.ts';
import { type ClientCertificate, readClientCertificate } from './client-certificate.ts';
import { refusedBeforeSending } from './network-failure.ts';
import { UnusableKey } from './pem.ts';
import { type Provider, requireUrl } from './resolve-provider.ts';
import { readSigningKey } from './signing-key.ts';

/** How the client proves itself in one request: what the core writes into it, and what the socket presents. */
export interface ClientProof {
  authentication: oauth.ClientAuth;
  certificate: ClientCertificate | null;
}

/** One method, never two (RFC 6749 §2.3). Without a secret it is a public client, unless the method needs a key. */
export function proveClient(provider: Provider, secret: Secret | null): ClientProof {
  const method = provider.settings.tokenAuthMethod ?? provider.template.tokenAuthMethod;
  switch (method) {
    case 'private_key_jwt':
      return inRequest(signedAssertion(provider, requireKey(secret)));
    case 'tls_client_auth':
    case 'self_signed_tls_client_auth':
      return { authentication: oauth.TlsClientAuth(), certificate: readKey(readClientCertificate, requireKey(secret)) };
    case 'none':
      return inRequest(oauth.None());
  }
  if (secret === null) return inRequest(oauth.None());
  switch (method) {
    case 'client_secret_basic':
      return inRequest(oauth.ClientSecretBasic(secret.reveal()));
    case 'client_secret_basic_raw':
      return inRequest(rawBasic(secret));
    case 'client_secret_post':
      return inRequest(oauth.ClientSecretPost(secret.reveal()));
  }
}

/** For providers that take the header apart without the form-decoding of RFC 6749 §2.3.1. */
function rawBasic(secret: Secret): oauth.ClientAuth {
  return (_as, client, _body, headers) => {
    const pair = Buffer.from(`${client.client_id}:${secret.reveal()}`, 'utf8').toString('base64');
    headers.set('authorization', `Basic ${pair}`);
  };
}

/** RFC 7523 §2.2 and §3: a new jti each time, good for the minute that the core gives it. */
function signedAssertion(provider: Provider, secret: Secret): oauth.ClientAuth {
  const { key, header: known } = readKey(readSigningKey, secret);
  const { clientAssertionAudience } = provider.template;
  const audience =
    clientAssertionAudience === 'issuer' && provider.issuer !== null
      ? provider.issuer
      : requireUrl(provider.tokenUrl, 'token URL');
  return oauth.PrivateKeyJwt(key, {
    [oauth.modifyAssertion](header, payload) {
      Object.assign(header, known);
      payload.aud = audience;
      // Optional, and all it could do is refuse us where the provider's clock is behind ours.
      delete payload.nbf;
    },
  });
}

function inRequest(authentication: oauth.ClientAuth): ClientProof {
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
