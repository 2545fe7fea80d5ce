import type { StatusReason } from '../../grants/grant.ts';
import type { FailureClass } from '../../provider-failure.ts';

/** An HTTP request that was answered. */
export interface RequestEnd {
  /** Pattern of the route, such as `/credentials/{name}`; null if no route matched. */
  route: string | null;
  method: string;
  status: number;
  seconds: number;
}

/**
 * Results of one refresh of a grant by this process.
 * - refreshed: a new token set is stored.
 * - temporary_failure: the provider was called and the grant stays completed; the reason is the class of the failure.
 * - failed: the grant needs help; the reason is its status_reason.
 * - held_back: the provider was not called, because its endpoint fails, is paused or is busy.
 * - gone: the grant was deleted meanwhile.
 * - error: the broker itself failed, such as without its database.
 */
export const refreshEndResults = ['refreshed', 'temporary_failure', 'failed', 'held_back', 'gone', 'error'] as const;

export interface RefreshEnd {
  /** Id of the connection's template. */
  provider: string;
  result: (typeof refreshEndResults)[number];
  reason: StatusReason | FailureClass | null;
  seconds: number;
}

export const providerRequestKinds = ['code_exchange', 'refresh', 'client_credentials', 'revocation', 'test'] as const;
export type ProviderRequestKind = (typeof providerRequestKinds)[number];

/**
 * Results of one HTTP request to a provider.
 * - success, redirect, throttled (429), refused (any other 4xx), server_error: by the status that arrived.
 * - no_answer: the request was sent, and no status arrived.
 * - not_sent: no byte was sent, such as without a connection or because of the address rules.
 */
export const providerRequestResults = [
  'success',
  'redirect',
  'throttled',
  'refused',
  'server_error',
  'no_answer',
  'not_sent',
] as const;

export interface ProviderRequestEnd {
  /** Id of the connection's template. */
  provider: string;
  kind: ProviderRequestKind;
  result: (typeof providerRequestResults)[number];
  seconds: number;
}

/** A job of the queue that this process ran. */
export interface JobEnd {
  kind: string;
  /** postponed: its organisation holds its whole share of the places. interrupted: the process ends. */
  result: 'completed' | 'failed' | 'postponed' | 'interrupted';
  seconds: number;
}

/** Receive events as they end. They must neither throw nor wait: the work that ended pays for them. */
export type OnRequestEnd = (request: RequestEnd) => void;
export type OnRefreshEnd = (refresh: RefreshEnd) => void;
export type OnProviderRequestEnd = (request: ProviderRequestEnd) => void;
export type OnJobEnd = (job: JobEnd) => void;
