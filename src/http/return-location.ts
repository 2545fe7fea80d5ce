import type { CallbackOutcome } from '../broker/complete-authorization.ts';

type Settled = Extract<CallbackOutcome, { kind: 'settled' }>;

const ours = ['status', 'connection_name', 'status_reason'];

/**
 * The return_url with the outcome in its query. What the query had stays as it was written, except parameters of our
 * own names: whoever made the link may not tell the outcome.
 */
export function returnLocation(returnUrl: string, outcome: Settled): string {
  const url = new URL(returnUrl);
  const kept = url.search
    .slice(1)
    .split('&')
    .filter((pair) => pair !== '' && !ours.includes(nameOf(pair)));
  const added = new URLSearchParams({ status: outcome.status, connection_name: outcome.connectionName });
  if (outcome.statusReason !== null) added.set('status_reason', outcome.statusReason);
  url.search = [...kept, added.toString()].join('&');
  return url.href;
}

function nameOf(pair: string): string {
  return new URLSearchParams(pair).keys().next().value ?? '';
}
