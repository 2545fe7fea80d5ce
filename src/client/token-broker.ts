import { type Authorizations, createAuthorizations } from './authorizations.ts';
import { type Connections, createConnections } from './connections.ts';
import { type Credentials, createCredentials } from './credentials/create-credentials.ts';
import { type CredentialCache, createCredentialCache } from './credentials/credential-cache.ts';
import { createCredentialCalls } from './credentials/fetch-credential.ts';
import { createFetchWith, type FetchWith } from './credentials/fetch-with.ts';
import { readSettings, type TokenBrokerOptions } from './settings.ts';
import { type ApiRequest, type ApiResponse, createRequest } from './transport/create-request.ts';
import { createSend } from './transport/create-send.ts';

export type { WaitOptions } from './authorizations.ts';
export type { CallOptions, Connections, DeleteOptions, EditOptions } from './connections.ts';
export type { FetchWith } from './credentials/fetch-with.ts';
export type { CredentialOptions, SelectionOptions, WorkflowOption } from './credentials/selection.ts';
export { type ErrorDetails, NotFound, NotReady, TokenBrokerError, Unavailable } from './errors.ts';
export type { TokenBrokerOptions } from './settings.ts';
export type { ApiRequest, ApiResponse } from './transport/create-request.ts';
export type { Method, RequestOptions } from './transport/create-send.ts';
export type { Query, QueryValue } from './transport/request-url.ts';
export type * from './types/authorization.ts';
export type * from './types/connection.ts';
export type * from './types/credential.ts';
export type * from './types/grant.ts';
export type * from './types/problem.ts';
export type * from './types/vocabulary.ts';

/** Client of one broker, with one key. */
export interface TokenBroker extends Credentials, Authorizations {
  fetchWith: FetchWith;
  connections: Connections;
  /** Calls any route and returns its JSON. The paths and fields are those of the API. */
  request: ApiRequest;
  /** Calls any route and returns the successful response, for headers and streams. */
  response: ApiResponse;
  /** Returns a client with other options. It shares the tokens in memory while url, key and fetch are the same. */
  withOptions(options: Partial<TokenBrokerOptions>): TokenBroker;
}

/** Creates a client. Nothing is called before its first use. Throws a TypeError if an option is wrong. */
export function createTokenBroker(options: TokenBrokerOptions): TokenBroker {
  return assemble(options, createCredentialCache());
}

function assemble(options: TokenBrokerOptions, cache: CredentialCache): TokenBroker {
  const settings = readSettings(options);
  const send = createSend(settings);
  const request = createRequest(send);
  const calls = createCredentialCalls(request, createRequest(send, { isRepeatable: true }));
  const credentials = createCredentials(settings, calls, cache);
  return {
    ...credentials,
    ...createAuthorizations(request),
    fetchWith: createFetchWith(settings, credentials),
    connections: createConnections(request),
    request,
    response: (method, path, call = {}) => send(method, path, call, async (response) => response),
    withOptions(changes) {
      const next = { ...options, ...changes };
      const sharesTokens = next.url === options.url && next.key === options.key && next.fetch === options.fetch;
      return assemble(next, sharesTokens ? cache : createCredentialCache());
    },
  };
}
