import type { Connection } from '../domain/connections/connection.ts';
import type { Cipher } from '../domain/ports/cipher.ts';
import type { ClientSecretStore } from '../domain/ports/client-secrets.ts';
import type { OAuthClient } from '../domain/ports/oauth.ts';
import { sealClientSecrets } from './sealing.ts';

export interface ObservedClient {
  client: OAuthClient;
  /**
   * Records which secret the provider accepted, if the connection has two: the newest ends the older one. Call it when
   * what the provider sent is stored, and outside transactions. Never throws.
   * `provesNewest`: false for endpoints that may answer without checking the client.
   */
  record(provesNewest?: boolean): Promise<void>;
}

/** Watches which of two client secrets a provider call succeeds with. */
export type ObserveClient = (
  connection: Pick<
    Connection,
    'id' | 'organizationId' | 'settings' | 'secretOrigins' | 'sealedClientSecrets' | 'clientSecretRefusedAt'
  >,
  client: OAuthClient,
) => ObservedClient;

export interface ObserveClientDeps {
  clientSecrets: ClientSecretStore;
  cipher: Cipher;
  clock: () => Date;
  onError: (error: unknown) => void;
}

export function createObserveClient({ clientSecrets, cipher, clock, onError }: ObserveClientDeps): ObserveClient {
  return (connection, client) => {
    const [newest, older] = client.secrets;
    if (newest === undefined || older === undefined) return { client, record: async () => undefined };
    let accepted: number | undefined;

    const write = async (provesNewest: boolean): Promise<void> => {
      if (accepted === 0 && provesNewest) {
        await clientSecrets.keepNewest(connection, sealClientSecrets(cipher, connection, [newest]));
      } else if (accepted !== undefined && accepted > 0 && connection.clientSecretRefusedAt === null) {
        await clientSecrets.recordRefused(connection, clock());
      }
    };

    return {
      client: {
        ...client,
        onSecretAccepted: (position) => {
          accepted = position;
        },
      },
      // The provider's response counts, whatever happens to this note. The next call repeats it.
      record: (provesNewest = true) => write(provesNewest).catch(onError),
    };
  };
}
