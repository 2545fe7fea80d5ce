import { heldTokens } from '../../domain/grants/siblings.ts';
import type { TokenSet } from '../../domain/grants/token-set.ts';
import type { Cipher } from '../../domain/ports/cipher.ts';
import type {
  PendingRevocation,
  RevocableGrant,
  RevokingConnection,
} from '../../domain/ports/maintenance/revocations.ts';
import type { OAuthClient, OAuthGateway } from '../../domain/ports/oauth.ts';
import { ProviderFailure } from '../../domain/provider-failure.ts';
import { mayReceive } from '../known-origin.ts';
import type { ObserveClient } from '../observe-client.ts';
import { openClient, openTokens } from '../sealing.ts';

/**
 * Sends one token set to the provider's revocation endpoint, with the second token sets of the grant. Returns true if the provider confirmed, false if it has no
 * endpoint for these tokens. Throws ProviderFailure, and errors of sealed values that do not open.
 */
export type SendRevocation = (revocation: Pick<PendingRevocation, 'connection' | 'grant'>) => Promise<boolean>;

export interface SendRevocationDeps {
  oauth: Pick<OAuthGateway, 'revoke' | 'endpoints'>;
  cipher: Cipher;
  observeClient: ObserveClient;
}

export function createSendRevocation(deps: SendRevocationDeps): SendRevocation {
  const { oauth, cipher, observeClient } = deps;
  return async ({ connection, grant }) => {
    // The rule holds for every attempt: a template may have changed since the first one.
    if (!mayRevoke(oauth, connection, grant)) throw new Error('There is no revocation endpoint for this grant.');
    const tokens = openTokens(cipher, grant, grant.sealedTokens);
    const { client, record: recordSecret } = observeClient(connection, revocationClient(deps, connection, grant));
    const seconds = Object.keys(tokens.siblings ?? {}).map((name) =>
      revokeSecond(oauth, client, heldTokens(tokens, name)),
    );
    const [isConfirmed] = await Promise.all([oauth.revoke(client, tokens), ...seconds]);
    // RFC 7009 §2.1 lets public clients revoke: an endpoint may not check the secret, so it proves nothing.
    await recordSecret(false);
    return isConfirmed;
  };
}

/** A second token set that the provider no longer knows needs no revocation. Any other failure is that of the attempt. */
async function revokeSecond(oauth: Pick<OAuthGateway, 'revoke'>, client: OAuthClient, tokens: TokenSet | null) {
  try {
    if (tokens !== null) await oauth.revoke(client, tokens);
  } catch (error) {
    if (!(error instanceof ProviderFailure && error.facts.class === 'reauthorization')) throw error;
  }
}

/**
 * Tells whether there is a revocation endpoint that a grant's tokens may be sent to. Excludes grants that came before
 * the revocation URL moved to its host.
 */
export function mayRevoke(
  oauth: Pick<OAuthGateway, 'endpoints'>,
  { settings }: Pick<RevokingConnection, 'settings'>,
  { origins }: Pick<RevocableGrant, 'origins'>,
): boolean {
  return oauth.endpoints(settings).revocationUrl !== null && mayReceive(oauth, 'revocationUrl', settings, origins);
}

/**
 * Returns the client that revokes a grant's tokens. It has no secret if the revocation URL moved to another host after
 * the secret was written: the secret belongs to the provider, and a writer may have chosen that host.
 */
function revocationClient(
  { oauth, cipher }: SendRevocationDeps,
  connection: RevokingConnection,
  { organizationId }: RevocableGrant,
): OAuthClient {
  const client = openClient(cipher, connection, organizationId);
  if (mayReceive(oauth, 'revocationUrl', connection.settings, connection.secretOrigins)) return client;
  return { ...client, settings: { ...client.settings, tokenAuthMethod: 'none' }, secrets: [] };
}
