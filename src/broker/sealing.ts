import type { Authorization } from '../domain/authorization.ts';
import type { Connection, OrganizationId } from '../domain/connections/connection.ts';
import { parseTokenSet, serializeTokenSet, type TokenSet } from '../domain/grants/token-set.ts';
import type { Cipher, Sealed, SealedAt } from '../domain/ports/cipher.ts';
import type { SecretDestination } from '../domain/ports/maintenance/key-rotation.ts';
import type { OAuthClient } from '../domain/ports/oauth.ts';
import { Secret } from '../domain/secret.ts';

export interface GrantAddress {
  id: string;
  organizationId: string | null;
}

export function grantTokensAt({ id, organizationId }: GrantAddress): SealedAt {
  return { organizationId, table: 'grants', row: id, column: 'tokens' };
}

type ClientAddress = Pick<Connection, 'id' | 'organizationId'> & SecretDestination;

/**
 * Client secrets are bound to where they may be sent: after a change of these columns that no edit made, they do not
 * open. An edit seals them anew.
 */
export function clientSecretsAt({ id, organizationId, settings, secretOrigins }: ClientAddress): SealedAt {
  const { provider, tokenUrl, variables } = settings;
  const sorted = Object.entries(variables).sort(([a], [b]) => (a < b ? -1 : 1));
  const { testUrl, revocationUrl } = secretOrigins;
  const boundTo = JSON.stringify([provider, tokenUrl, sorted, testUrl, revocationUrl]);
  return { organizationId, table: 'connections', row: id, column: 'client_secrets', boundTo };
}

export function sealTokens(cipher: Cipher, grant: GrantAddress, tokens: TokenSet): Sealed {
  return cipher.seal(serializeTokenSet(tokens), grantTokensAt(grant));
}

export function openTokens(cipher: Cipher, grant: GrantAddress, sealed: Sealed): TokenSet {
  return parseTokenSet(cipher.open(sealed, grantTokensAt(grant)));
}

/** Seals the secrets, newest first. Returns null if there are none. */
export function sealClientSecrets(
  cipher: Cipher,
  connection: ClientAddress,
  secrets: readonly Secret[],
): Sealed | null {
  if (secrets.length === 0) return null;
  return cipher.seal(JSON.stringify(secrets.map((secret) => secret.reveal())), clientSecretsAt(connection));
}

/**
 * Opens a connection's client secrets for a provider call on behalf of an organisation. The result must not outlive the
 * connection object.
 */
export function openClient(
  cipher: Cipher,
  connection: Pick<Connection, 'id' | 'organizationId' | 'settings' | 'secretOrigins' | 'sealedClientSecrets'>,
  organizationId: OrganizationId = connection.organizationId,
): OAuthClient {
  const { sealedClientSecrets, settings } = connection;
  const caller = { organizationId, connectionId: connection.id };
  if (sealedClientSecrets === null) return { caller, settings, secrets: [] };
  const secrets = JSON.parse(cipher.open(sealedClientSecrets, clientSecretsAt(connection))) as string[];
  return { caller, settings, secrets: secrets.map((secret) => new Secret(secret)) };
}

type AuthorizationAddress = Pick<Authorization, 'stateHash' | 'organizationId'>;

export function verifierAt({ stateHash, organizationId }: AuthorizationAddress): SealedAt {
  return { organizationId, table: 'authorizations', row: stateHash, column: 'code_verifier' };
}

export function sealVerifier(cipher: Cipher, authorization: AuthorizationAddress, verifier: Secret): Sealed {
  return cipher.seal(verifier.reveal(), verifierAt(authorization));
}

export function waitingTokensAt({ stateHash, organizationId }: AuthorizationAddress): SealedAt {
  return { organizationId, table: 'authorizations', row: stateHash, column: 'waiting' };
}

export function sealWaiting(cipher: Cipher, authorization: AuthorizationAddress, plaintext: string): Sealed {
  return cipher.seal(plaintext, waitingTokensAt(authorization));
}

export function openWaiting(cipher: Cipher, authorization: AuthorizationAddress, sealed: Sealed): string {
  return cipher.open(sealed, waitingTokensAt(authorization));
}

export function openVerifier(
  cipher: Cipher,
  authorization: Pick<Authorization, 'stateHash' | 'organizationId' | 'sealedVerifier'>,
): Secret | null {
  return authorization.sealedVerifier === null
    ? null
    : new Secret(cipher.open(authorization.sealedVerifier, verifierAt(authorization)));
}
