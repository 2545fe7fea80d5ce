import type { Actor } from '../domain/caller.ts';
import type { Connection } from '../domain/connection.ts';
import { invalidRequest } from '../domain/errors.ts';
import type { TokenFacts } from '../domain/grant.ts';
import type { ProviderCatalogue } from '../domain/ports/oauth.ts';
import type { Database } from '../domain/ports/stores.ts';
import { keepAliveAt } from '../domain/refresh-policy.ts';
import { Secret } from '../domain/secret.ts';
import type { TokenSet } from '../domain/token-set.ts';
import { eventOf } from './audit-event.ts';
import type { GrantView, ViewGrant } from './grant-view.ts';
import { noSuchConnection } from './no-such-connection.ts';
import type { StoreGrant } from './store-grant.ts';

export interface ImportedTokens {
  accessToken: Secret | null;
  refreshToken: Secret | null;
  tokenType: string | null;
  expiresAt: Date | null;
  scopes: string[] | null;
  subject: string | null;
  accountId: string | null;
  extra: Record<string, unknown>;
}

/**
 * An existing token set, taken over into the slot of that subject and account; an earlier grant there is replaced.
 * A refresh token alone is kept expired, so that the first read or the sweep obtains an access token.
 * Throws connection_not_found, invalid_request.
 */
export type ImportGrant = (actor: Actor, name: string, tokens: ImportedTokens) => Promise<GrantView>;

export interface ImportGrantDeps {
  database: Database;
  catalogue: Pick<ProviderCatalogue, 'find'>;
  storeGrant: StoreGrant;
  viewGrant: ViewGrant;
  clock: () => Date;
}

export function createImportGrant(deps: ImportGrantDeps): ImportGrant {
  const { database, storeGrant, viewGrant, clock } = deps;
  return (actor, name, imported) =>
    database.write(actor.organizationId, async ({ connections, grants, audit }) => {
      const found = await connections.find(name);
      const connection = found && (await connections.lockForUse(found.connection.id));
      if (connection === undefined) throw noSuchConnection(name);
      const now = clock();
      const arriving = arrivingTokens(deps, connection, imported, now);
      const { subject, accountId } = imported;
      const slot = { connectionId: connection.id, subject, accountId };
      const grantId = await storeGrant(grants, {
        organizationId: actor.organizationId,
        slot,
        multiAccount: connection.settings.multiAccount,
        accountName: null,
        requestedScopes: arriving.facts.scopes,
        testedAt: null,
        now,
        arrive: () => arriving,
      });
      const details = { subject, account_id: accountId, scopes: arriving.facts.scopes };
      await audit.append(eventOf(actor, now, { action: 'grant.imported', connection, grantId, details }));
      const stored = await grants.lockSlot(slot);
      if (stored === undefined) throw new Error('The slot of a grant is empty in the transaction that filled it.');
      return viewGrant(stored);
    });
}

function arrivingTokens(
  { catalogue }: ImportGrantDeps,
  { settings }: Connection,
  imported: ImportedTokens,
  now: Date,
): { tokens: TokenSet; facts: TokenFacts } {
  const { accessToken, refreshToken, tokenType, expiresAt, scopes, extra } = imported;
  const template = catalogue.find(settings.provider);
  const exchangesAccessToken = template?.refresh.strategy === 'exchange_access_token';
  const idleDays = template?.refreshToken.idleDays ?? null;
  const spendsRefreshToken = settings.flow !== 'client_credentials' && !exchangesAccessToken;
  if (accessToken === null && (refreshToken === null || !spendsRefreshToken)) {
    throw invalidRequest({
      path: 'access_token',
      message: spendsRefreshToken ? 'needed, unless there is a refresh_token' : 'needed by this connection',
    });
  }
  const leftMs = accessToken === null || expiresAt === null ? null : expiresAt.getTime() - now.getTime();
  return {
    // Without an access token there is nothing to serve: empty, and expired from the start.
    tokens: { accessToken: accessToken ?? new Secret(''), refreshToken, tokenType: tokenType ?? 'Bearer', extra },
    facts: {
      expiresAt: accessToken === null ? now : expiresAt,
      refreshExpiresAt: null,
      obtainedAt: now,
      // At least this long: when the token was issued is not known.
      lifetimeSeconds: leftMs !== null && leftMs > 0 ? Math.ceil(leftMs / 1000) : null,
      refreshable: !spendsRefreshToken || refreshToken !== null,
      scopes: scopes ?? [...settings.scopes],
      // How long it has lain unused is not known either: a day is what an import of many may take to come to rest.
      ...(idleDays !== null && refreshToken !== null && { keepAliveAt: keepAliveAt(now, Math.min(idleDays, 1)) }),
    },
  };
}
