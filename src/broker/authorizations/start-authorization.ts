import type { Authorization } from '../../domain/authorization.ts';
import type { Actor } from '../../domain/callers/caller.ts';
import type { Connection } from '../../domain/connections/connection.ts';
import { BrokerError, invalidRequest } from '../../domain/errors.ts';
import type { ExpectedAccount } from '../../domain/expected-account.ts';
import { unique } from '../../domain/grants/scopes.ts';
import type { Cipher } from '../../domain/ports/cipher.ts';
import type { OAuthGateway } from '../../domain/ports/oauth.ts';
import type { Database } from '../../domain/ports/stores.ts';
import type { NewId, Tokens } from '../../domain/ports/tokens.ts';
import { allowedReturnUrl, ownReturnUrl } from '../../domain/return-url.ts';
import { eventOf } from '../audit-event.ts';
import { noSuchConnection } from '../no-such-connection.ts';
import type { RedirectUriOf } from '../redirect-uri.ts';
import { refreshIsOff } from '../refresh-is-off.ts';
import { sealVerifier } from '../sealing.ts';

export interface AuthorizationStart {
  subject: string | null;
  accountId: string | null;
  allowAccountChange: boolean;
  /** Name of the subject for the page before the provider. */
  subjectLabel: string | null;
  expectedAccount: ExpectedAccount | null;
  /** SHA-256 of a verifier of the session that starts the authorization; null if the callback completes it alone. */
  bindingChallenge: string | null;
  /** Scopes to request besides the connection's own (incremental consent); null requests only those. */
  scopes: string[] | null;
  returnUrl: string | null;
  /** Text to hand back on the return URL. */
  clientState: string | null;
  /** Lifetime of the link in seconds; null uses the configured one. */
  expiresInSeconds: number | null;
  loginHint: string | null;
  prompt: string | null;
}

/** Authorization that asks for nothing besides what the connection asks for. */
export const plainStart: AuthorizationStart = {
  subject: null,
  accountId: null,
  allowAccountChange: false,
  subjectLabel: null,
  expectedAccount: null,
  bindingChallenge: null,
  scopes: null,
  returnUrl: null,
  clientState: null,
  expiresInSeconds: null,
  loginHint: null,
  prompt: null,
};

export interface StartedAuthorization {
  /** Link of the broker, to be opened in a browser. */
  authorizationUrl: string;
  state: string;
  expiresAt: Date;
}

/**
 * Throws connection_not_found, flow_not_interactive, invalid_request (return_url not allowed, or missing beside
 * binding_challenge).
 */
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
  newId: NewId;
  redirectUriOf: RedirectUriOf;
  /** PUBLIC_URL with BASE_PATH, no slash at the end. */
  baseUrl: () => string;
  /** Allowed return URLs: exact URLs or origins. */
  allowedReturnUrls: readonly string[];
  /** False with REFRESH_MODE=off: a code could not be exchanged. */
  callsTokenEndpoints: boolean;
  ttlMs: number;
  clock: () => Date;
}

/** 256 bits of randomness: the state alone gives access to its authorization. */
const stateBytes = 32;

export function createStartAuthorization(deps: StartAuthorizationDeps): StartAuthorization {
  const { database, tokens, baseUrl, callsTokenEndpoints, clock } = deps;
  return async (actor, name, start) => {
    const returnUrl = acceptReturnUrl(deps, start.returnUrl);
    refuseContradictions(start);
    const state = tokens.random(stateBytes);
    const authorization = await database.write(actor.organizationId, async ({ connections, authorizations, audit }) => {
      const found = await connections.find(name);
      // Locks the connection until the row is written, so that the stored config_version is the current one.
      if (found !== undefined && !callsTokenEndpoints) throw refreshIsOff(found);
      const connection = found && (await connections.lockForUse(found.connection.id));
      if (connection === undefined) throw noSuchConnection(name);
      const authorization = authorizationOf(deps, actor, connection, { ...start, returnUrl }, tokens.sha256Text(state));
      await authorizations.insert(authorization);
      const details = { subject: authorization.subject, scopes: authorization.scopes };
      await audit.append(eventOf(actor, clock(), { action: 'authorization.started', connection, details }));
      return authorization;
    });
    return { authorizationUrl: `${baseUrl()}/authorize/${state}`, state, expiresAt: authorization.expiresAt };
  };
}

function acceptReturnUrl(
  { allowedReturnUrls, baseUrl }: StartAuthorizationDeps,
  requested: string | null,
): string | null {
  if (requested === null) return null;
  const accepted = allowedReturnUrl(requested, allowedReturnUrls) ?? ownReturnUrl(requested, baseUrl());
  if (accepted === undefined) {
    throw invalidRequest({ path: 'return_url', message: 'not among the return URLs that this service allows' });
  }
  return accepted;
}

/** The confirmation code reaches the application on return_url alone. */
function refuseContradictions({ bindingChallenge, returnUrl, accountId, expectedAccount }: AuthorizationStart): void {
  if (bindingChallenge !== null && returnUrl === null) {
    throw invalidRequest({ path: 'return_url', message: 'is required with binding_challenge' });
  }
  const expectedId = expectedAccount?.id ?? null;
  if (accountId !== null && expectedId !== null && accountId !== expectedId) {
    throw invalidRequest({ path: 'expected_account.id', message: 'differs from account_id' });
  }
}

/** Builds a pending authorization. Earlier ones of the same subject stay valid: a person may have several tabs. */
function authorizationOf(
  { oauth, cipher, newId, redirectUriOf, ttlMs, clock }: StartAuthorizationDeps,
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
  const challenge = start.bindingChallenge;
  const lifetimeMs = start.expiresInSeconds === null ? ttlMs : start.expiresInSeconds * 1000;
  return {
    ...address,
    connectionId: connection.id,
    configVersion: connection.configVersion,
    subject: start.subject,
    accountId: start.accountId,
    subjectLabel: start.subjectLabel,
    allowAccountChange: start.allowAccountChange,
    expectedAccount: start.expectedAccount,
    binding: challenge === null ? null : { authorizationId: newId(), challenge },
    waiting: null,
    scopes: unique([...settings.scopes, ...(start.scopes ?? [])]),
    loginHint: start.loginHint,
    prompt: start.prompt,
    returnUrl: start.returnUrl,
    clientState: start.clientState,
    redirectUri: redirectUriOf(connection),
    sealedVerifier: verifier === null ? null : sealVerifier(cipher, address, verifier),
    browserHash: null,
    callbackHash: null,
    status: 'pending',
    statusReason: null,
    statusMessage: null,
    error: null,
    errorDescription: null,
    connectedAccountId: null,
    connectedAccountName: null,
    details: null,
    createdBy: actor.caller.id,
    createdAt: now,
    expiresAt: new Date(now.getTime() + lifetimeMs),
  };
}
