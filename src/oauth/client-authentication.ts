import { type ClientAuth, ClientSecretBasic, ClientSecretPost, None } from 'oauth4webapi';
import type { TokenAuthMethod } from '../domain/connection.ts';
import type { Secret } from '../domain/secret.ts';

/** How the client proves itself in one request: one method, never two (RFC 6749 §2.3). Without a secret it is a public client. */
export function clientAuthentication(method: TokenAuthMethod, secret: Secret | null): ClientAuth {
  if (secret === null) return None();
  switch (method) {
    case 'client_secret_basic':
      return ClientSecretBasic(secret.reveal());
    case 'client_secret_basic_raw':
      // For providers that take the header apart without the form-decoding of RFC 6749 §2.3.1.
      return (_as, client, _body, headers) => {
        const pair = Buffer.from(`${client.client_id}:${secret.reveal()}`, 'utf8').toString('base64');
        headers.set('authorization', `Basic ${pair}`);
      };
    case 'client_secret_post':
      return ClientSecretPost(secret.reveal());
    case 'none':
      return None();
  }
}
