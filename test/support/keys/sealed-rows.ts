import { v7 } from 'uuid';
import {
  openClient,
  openTokens,
  openVerifier,
  sealClientSecrets,
  sealTokens,
  sealVerifier,
  sealWaiting,
} from '../../../src/broker/sealing.ts';
import type { Connection } from '../../../src/domain/connections/connection.ts';
import type { Cipher } from '../../../src/domain/ports/cipher.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { anAuthorization } from '../builders/authorization.ts';
import { aConnection } from '../builders/connection.ts';
import { storeConnection } from '../builders/stored.ts';
import type { KeyStores } from './key-stores.ts';

const tokenSet = (text: string) => ({
  accessToken: new Secret(`access-${text}`),
  refreshToken: new Secret(`refresh-${text}`),
  tokenType: 'Bearer',
  extra: {},
});

/** Stores a connection with a client secret. */
export async function storeSecretConnection(
  stores: KeyStores,
  cipher: Cipher,
  organizationId: string | null,
): Promise<Connection> {
  const connection = aConnection(organizationId, `c-${v7()}`, { variables: { b: '2', a: '1' } });
  const secrets = [new Secret(`secret-${connection.id}`)];
  return storeConnection(stores, {
    ...connection,
    sealedClientSecrets: sealClientSecrets(cipher, connection, secrets),
  });
}

/** Stores grants of the connection's owner, each with a token set that names the grant. */
export async function storeGrants(
  stores: KeyStores,
  cipher: Cipher,
  { id: connectionId, organizationId }: Connection,
  count: number,
): Promise<string[]> {
  const ids = Array.from({ length: count }, () => v7());
  const sealed = ids.map((id) => Buffer.from(sealTokens(cipher, { id, organizationId }, tokenSet(id))));
  await stores.run(
    `insert into grants (id, connection_id, organization_id, subject, status, sealed_tokens, expires_at, obtained_at,
       lifetime_seconds, refreshable, created_at, updated_at)
     select fresh.id, $3, $4, fresh.id::text, 'completed', fresh.sealed, now() + interval '1 day', now(), 86400, true,
       now(), now()
     from unnest($1::uuid[], $2::bytea[]) as fresh (id, sealed)`,
    [ids, sealed, connectionId, organizationId],
  );
  return ids;
}

/** Stores a value in every sealed column. Returns what opens them again, and fails if one does not open. */
export async function storeEverySealedValue(stores: KeyStores, cipher: Cipher, owner: string | null) {
  const connection = await storeSecretConnection(stores, cipher, owner);
  const [kept = '', ended = ''] = await storeGrants(stores, cipher, connection, 2);
  const authorization = anAuthorization(connection);
  const sealedVerifier = sealVerifier(cipher, authorization, new Secret('verifier'));
  await stores.database.write(owner, async ({ authorizations, revocations }) => {
    await authorizations.insert({ ...authorization, sealedVerifier });
    await revocations.add(connection, [ended], { now: new Date(), dueAt: new Date(0) });
  });
  const waiting = anAuthorization(connection, {
    status: 'awaiting_confirmation',
    sealedVerifier: null,
    binding: { authorizationId: v7(), challenge: 'x'.repeat(43) },
  });
  const sealed = sealWaiting(cipher, waiting, 'waiting');
  await stores.database.write(owner, ({ authorizations }) =>
    authorizations.insert({ ...waiting, waiting: { sealed, codeHash: 'h', until: new Date() } }),
  );
  return {
    connection,
    /** `from`: another database that holds the same rows. */
    async openAll(by: Cipher, from = stores): Promise<void> {
      const read = from.database.read(owner);
      const stored = await read.connections.find(connection.name);
      if (stored === undefined) throw new Error('the connection is gone');
      openClient(by, stored.connection);
      const grant = await read.grants.find(connection.id, kept);
      if (!grant?.sealedTokens) throw new Error('the grant has no tokens');
      const { accessToken } = openTokens(by, grant, grant.sealedTokens);
      if (accessToken.reveal() !== `access-${kept}`) throw new Error('another token was opened');
      const found = await from.authorizations.find(authorization.stateHash);
      if (found === undefined) throw new Error('the authorization is gone');
      openVerifier(by, found.authorization);
    },
  };
}
