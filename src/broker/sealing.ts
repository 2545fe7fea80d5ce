import type { Authorization } from '../domain/authorization.ts';
import type { Connection } from '../domain/connection.ts';
import type { Cipher, Sealed, SealedAt } from '../domain/ports/cipher.ts';
import type { OAuthClient } from '../domain/ports/oauth.ts';
import { Secret } from '../domain/secret.ts';
import { parseTokenSet, serializeTokenSet, type TokenSet } from '../domain/token-set.ts';

export interface GrantAddress {
  id: string;
  organizationId: string | null;
}

function grantTokensAt({ id, organizationId }: GrantAddress): SealedAt {
  return { organizationId, table: 'grants', row: id, column: 'tokens' };
}

function clientSecretsAt({ id, organizationId }: Pick<Connection, 'id' | 'organizationId'>): SealedAt {
  return { organizationId, table: 'connections', row: id, column: 'client_secrets' };
}

export function sealTokens(cipher: Cipher, grant: GrantAddress, tokens: TokenSet): Sealed {
  return cipher.seal(serializeTokenSet(tokens), grantTokensAt(grant));
}

export function openTokens(cipher: Cipher, grant: GrantAddress, sealed: Sealed): TokenSet {
  return parseTokenSet(cipher.open(sealed, grantTokensAt(grant)));
}

/** Newest first; null where there is nothing to keep. */
export function sealClientSecrets(
  cipher: Cipher,
  connection: Pick<Connection, 'id' | 'organizationId'>,
  secrets: readonly Secret[],
): Sealed | null {
  if (secrets.length === 0) return null;
  return cipher.seal(JSON.stringify(secrets.map((secret) => secret.reveal())), clientSecretsAt(connection));
}

/** The connection as the protocol needs it, with its secrets open: never kept for longer than the connection is. */
export function openClient(cipher: Cipher, connection: Connection): OAuthClient {
  const { sealedClientSecrets, settings } = connection;
  if (sealedClientSecrets === null) return { settings, secrets: [] };
  const secrets = JSON.parse(cipher.open(sealedClientSecrets, clientSecretsAt(connection))) as string[];
  return { settings, secrets: secrets.map((secret) => new Secret(secret)) };
}

type TripAddress = Pick<Authorization, 'stateHash' | 'organizationId'>;

function verifierAt({ stateHash, organizationId }: TripAddress): SealedAt {
  return { organizationId, table: 'authorizations', row: stateHash, column: 'code_verifier' };
}

export function sealVerifier(cipher: Cipher, trip: TripAddress, verifier: Secret): Sealed {
  return cipher.seal(verifier.reveal(), verifierAt(trip));
}

export function openVerifier(
  cipher: Cipher,
  trip: Pick<Authorization, 'stateHash' | 'organizationId' | 'sealedVerifier'>,
): Secret | null {
  return trip.sealedVerifier === null ? null : new Secret(cipher.open(trip.sealedVerifier, verifierAt(trip)));
}
