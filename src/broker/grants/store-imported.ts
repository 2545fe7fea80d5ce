import type { Actor } from '../../domain/callers/caller.ts';
import type { Connection, ConnectionSettings } from '../../domain/connections/connection.ts';
import { originsOf } from '../../domain/connections/url-origins.ts';
import { BrokerError, invalidRequest } from '../../domain/errors.ts';
import type { Grant, TokenMetadata } from '../../domain/grants/grant.ts';
import { keepAliveAt } from '../../domain/grants/refresh-policy.ts';
import { namedAsRequested } from '../../domain/grants/scopes.ts';
import { withSiblings } from '../../domain/grants/siblings.ts';
import type { TokenSet } from '../../domain/grants/token-set.ts';
import type { OAuthGateway, ProviderCatalogue } from '../../domain/ports/oauth.ts';
import type { TransactionStores } from '../../domain/ports/stores.ts';
import { Secret } from '../../domain/secret.ts';
import { eventOf } from '../audit-event.ts';
import { noSuchConnection } from '../no-such-connection.ts';
import { type RawTokenResponse, readReceivedTokens, type TokensToImport } from './received-tokens.ts';
import type { StoreGrant } from './store-grant.ts';

export interface ImportedTokens
  extends Pick<
    TokensToImport,
    'accessToken' | 'refreshToken' | 'tokenType' | 'expiresAt' | 'scopes' | 'accountId' | 'extra'
  > {
  subject: string | null;
  /** Raw token response that replaces tokens, token type and expiry. */
  tokenResponse: RawTokenResponse | null;
  /** Whether to refresh or probe the grant once it is stored. */
  verify: boolean;
}

/**
 * Finds and locks the connection that an organisation imports into. Throws connection_not_found, and import_not_allowed
 * for a global connection whose owner takes no imports.
 */
export async function lockToImportInto(
  { connections }: Pick<TransactionStores, 'connections'>,
  { organizationId }: Actor,
  name: string,
): Promise<Connection> {
  const found = await connections.find(name);
  const connection = found && (await connections.lockForUse(found.connection.id));
  if (connection === undefined) throw noSuchConnection(name);
  if (connection.organizationId !== organizationId && !connection.settings.allowImport) {
    // The owner's client would redeem and revoke tokens that came from elsewhere.
    throw BrokerError.of(
      'import_not_allowed',
      `${name} is a global connection. Its owner must set allow_import first.`,
    );
  }
  return connection;
}

export interface StoredImport {
  grantId: string;
  slot: { connectionId: string; subject: string | null; accountId: string | null };
}

/** Decides on the locked slot whether the tokens are stored. Throws to leave the slot as it is. */
export type DecideOnSlot = (held: Grant | undefined, arriving: TokenSet) => void;

/**
 * Stores an existing token set in its slot, with its consent and its audit event, within the caller's transaction. A
 * refresh token without access token is stored as expired, so that the first read or the sweep obtains an access token.
 * Throws invalid_request, and what `decide` throws, before anything is written.
 */
export type StoreImported = (
  stores: TransactionStores,
  actor: Actor,
  connection: Connection,
  imported: ImportedTokens,
  decide?: DecideOnSlot,
) => Promise<StoredImport>;

export interface StoreImportedDeps {
  catalogue: Pick<ProviderCatalogue, 'find'>;
  oauth: Pick<OAuthGateway, 'readReceived'>;
  storeGrant: StoreGrant;
  clock: () => Date;
}

export function createStoreImported(deps: StoreImportedDeps): StoreImported {
  const { oauth, storeGrant, clock } = deps;
  return async (stores, actor, connection, imported, decide) => {
    const now = clock();
    const { subject, tokenResponse } = imported;
    const { settings } = connection;
    const tokens =
      tokenResponse === null
        ? { ...imported, refreshExpiresAt: null, receivedAt: null, accountName: null }
        : readReceivedTokens(oauth, settings, tokenResponse, imported, now);
    requireUsable(deps, settings, tokens, tokenResponse === null ? 'access_token' : 'token_response');
    const arriving = arrivingTokens(deps, settings, tokens, now);
    const { accountId, accountName } = tokens;
    const slot = { connectionId: connection.id, subject, accountId };
    const grantId = await storeGrant(stores, {
      organizationId: actor.organizationId,
      consent: {
        connectionName: connection.name,
        how: 'import',
        actor: actor.caller.id,
        address: actor.trace.address,
      },
      slot,
      multiAccount: settings.multiAccount,
      accountName,
      accountVerified: false,
      requestedScopes: tokenResponse === null ? arriving.metadata.scopes : (imported.scopes ?? [...settings.scopes]),
      testedAt: null,
      now,
      arrive: (held) => {
        decide?.(held, arriving.tokens);
        return { ...arriving, origins: originsOf(settings) };
      },
    });
    const details = { subject, account_id: accountId, scopes: arriving.metadata.scopes };
    await stores.audit.append(eventOf(actor, now, { action: 'grant.imported', connection, grantId, details }));
    return { grantId, slot };
  };
}

/** Whether the connection's grants are refreshed by a refresh token. */
function spendsRefreshTokens({ catalogue }: StoreImportedDeps, { flow, provider }: ConnectionSettings): boolean {
  return flow !== 'client_credentials' && catalogue.find(provider)?.refresh.strategy !== 'exchange_access_token';
}

function requireUsable(
  deps: StoreImportedDeps,
  settings: ConnectionSettings,
  { accessToken, refreshToken }: TokensToImport,
  path: string,
): void {
  if (accessToken !== null) return;
  const spendsRefreshToken = spendsRefreshTokens(deps, settings);
  if (spendsRefreshToken && refreshToken !== null) return;
  const message = spendsRefreshToken
    ? 'needed, unless there is a refresh_token'
    : 'an access token is needed by this connection';
  throw invalidRequest({ path, message });
}

function arrivingTokens(
  deps: StoreImportedDeps,
  settings: ConnectionSettings,
  imported: TokensToImport,
  now: Date,
): { tokens: TokenSet; metadata: TokenMetadata } {
  const { accessToken, refreshToken, tokenType, expiresAt, refreshExpiresAt, receivedAt, scopes, extra } = imported;
  const template = deps.catalogue.find(settings.provider);
  const idleDays = template?.refreshToken.idleDays ?? null;
  const arrived = {
    // A missing access token is stored as an empty one that has expired, so it is never served.
    tokens: { accessToken: accessToken ?? new Secret(''), refreshToken, tokenType: tokenType ?? 'Bearer', extra },
    metadata: {
      expiresAt: accessToken === null ? now : expiresAt,
      refreshExpiresAt,
      // The time of issue is unknown, so the time left is no lifetime: a refresh may give a token that lives longer.
      obtainedAt: null,
      lifetimeSeconds: null,
      refreshable: !spendsRefreshTokens(deps, settings) || refreshToken !== null,
      scopes: namedAsRequested(scopes ?? settings.scopes, settings.scopes, template),
      ...(idleDays !== null && refreshToken !== null && { keepAliveAt: useBy(receivedAt, idleDays, now) }),
    },
  };
  return withSiblings(arrived, {
    responses: imported.siblings,
    requestedAt: receivedAt ?? now,
    refreshIdleDays: idleDays,
  });
}

/**
 * Time by which to use a refresh token that expires when unused. If the time of its last use is unknown, within a day: a
 * large import is stored by then.
 */
function useBy(receivedAt: Date | null, idleDays: number, now: Date): Date {
  return receivedAt === null ? keepAliveAt(now, Math.min(idleDays, 1)) : keepAliveAt(receivedAt, idleDays);
}
