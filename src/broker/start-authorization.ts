import type { Authorization } from '../domain/authorization.ts';
import type { Actor } from '../domain/caller.ts';
import type { Connection } from '../domain/connection.ts';
import { BrokerError, invalidRequest } from '../domain/errors.ts';
import type { Cipher } from '../domain/ports/cipher.ts';
import type { OAuthGateway } from '../domain/ports/oauth.ts';
import type { Database } from '../domain/ports/stores.ts';
import type { Tokens } from '../domain/ports/tokens.ts';
import { allowedReturnUrl } from '../domain/return-url.ts';
import { unique } from '../domain/scopes.ts';
import { eventOf } from './audit-event.ts';
import type { RedirectUriOf } from './connection-view.ts';
import { noSuchConnection } from './no-such-connection.ts';
import { sealVerifier } from './sealing.ts';

export interface AuthorizationStart {
  subject: string | null;
  accountId: string | null;
  allowAccountChange: boolean;
  /** Asked for in addition to the connection's own (incremental consent); null asks for the connection's own. */
  scopes: string[] | null;
  returnUrl: string | null;
  loginHint: string | null;
  prompt: string | null;
}

export interface StartedAuthorization {
  /** The broker's own link, to be opened in a browser. */
  authorizationUrl: string;
  state: string;
  expiresAt: Date;
}

/** Throws connection_not_found, flow_not_interactive, invalid_request (return_url not allowed). */
export type StartAuthorization = (
  actor: Actor,
  name: string,
  start: AuthorizationStart,
) => Promise<StartedAuthorization>;

export interface StartAuthorizationDeps {
  database: Database;
  oauth: Pick<OAuthGateway, 'createCodeVerifier'>;
  cipher: Cipher;
  tokens: Tokens;
  redirectUriOf: RedirectUriOf;
  /** PUBLIC_URL with BASE_PATH, no slash at the end. */
  baseUrl: () => string;
  /** Exact URLs, or origins. */
  allowedReturnUrls: readonly string[];
  ttlMs: number;
  clock: () => Date;
}

const stateBytes = 32;

export function createStartAuthorization(deps: StartAuthorizationDeps): StartAuthorization {
  const { database, tokens, baseUrl, clock } = deps;
  return async (actor, name, start) => {
    const returnUrl = acceptReturnUrl(deps, start.returnUrl);
    const state = tokens.random(stateBytes);
    const trip = await database.write(actor.organizationId, async ({ connections, authorizations, audit }) => {
      const found = await connections.find(name);
      // Held until the trip is written, so that the config_version it is pinned to is the one in force.
      const connection = found && (await connections.lockForUse(found.connection.id));
      if (connection === undefined) throw noSuchConnection(name);
      const trip = tripOf(deps, actor, connection, { ...start, returnUrl }, tokens.sha256Text(state));
      await authorizations.insert(trip);
      const details = { subject: trip.subject, scopes: trip.scopes };
      await audit.append(eventOf(actor, clock(), { action: 'authorization.started', connection, details }));
      return trip;
    });
    return { authorizationUrl: `${baseUrl()}/authorize/${state}`, state, expiresAt: trip.expiresAt };
  };
}

function acceptReturnUrl({ allowedReturnUrls }: StartAuthorizationDeps, asked: string | null): string | null {
  if (asked === null) return null;
  const accepted = allowedReturnUrl(asked, allowedReturnUrls);
  if (accepted === undefined) {
    throw invalidRequest({ path: 'return_url', message: 'not among the return URLs that this service allows' });
  }
  return accepted;
}

/** Earlier pending trips of the same subject are left alone: a person may have several tabs. */
function tripOf(
  { oauth, cipher, redirectUriOf, ttlMs, clock }: StartAuthorizationDeps,
  actor: Actor,
  connection: Connection,
  start: AuthorizationStart,
  stateHash: string,
): Authorization {
  const { settings } = connection;
  if (settings.flow !== 'authorization_code') {
    throw BrokerError.of('flow_not_interactive', `A ${settings.flow} connection is not authorized by a person.`);
  }
  const verifier = oauth.createCodeVerifier(settings);
  const address = { stateHash, organizationId: actor.organizationId };
  const now = clock();
  return {
    ...address,
    connectionId: connection.id,
    configVersion: connection.configVersion,
    subject: start.subject,
    accountId: start.accountId,
    allowAccountChange: start.allowAccountChange,
    scopes: unique([...settings.scopes, ...(start.scopes ?? [])]),
    loginHint: start.loginHint,
    prompt: start.prompt,
    returnUrl: start.returnUrl,
    redirectUri: redirectUriOf(connection),
    sealedVerifier: verifier === null ? null : sealVerifier(cipher, address, verifier),
    browserHash: null,
    status: 'pending',
    statusReason: null,
    statusMessage: null,
    connectedAccountId: null,
    createdBy: actor.caller.id,
    createdAt: now,
    expiresAt: new Date(now.getTime() + ttlMs),
  };
}
