import type { AwaitingConfirmation, SettledOutcome } from '../../broker/authorizations/callback-outcome.ts';

type ReturnedOutcome = Pick<SettledOutcome, 'status' | 'connectionName' | 'statusReason' | 'clientState'>;

const outcomeParameters = [
  'status',
  'authorization_id',
  'confirmation_code',
  'connection_name',
  'status_reason',
  'client_state',
];

/**
 * Returns the return_url with the outcome in its query. Other parameters stay as they were written. Parameters with the
 * names of the outcome are removed: the creator of the link must not forge the outcome.
 */
export function returnLocation(returnUrl: string, outcome: ReturnedOutcome | AwaitingConfirmation): string {
  const url = new URL(returnUrl);
  const kept = url.search
    .slice(1)
    .split('&')
    .filter((pair) => pair !== '' && !outcomeParameters.includes(nameOf(pair)));
  const added = new URLSearchParams(parametersOf(outcome));
  if (outcome.clientState !== null) added.set('client_state', outcome.clientState);
  url.search = [...kept, added.toString()].join('&');
  return url.href;
}

function parametersOf(outcome: ReturnedOutcome | AwaitingConfirmation): Record<string, string> {
  const { connectionName: connection_name } = outcome;
  if ('confirmationCode' in outcome) {
    const { authorizationId: authorization_id, confirmationCode: confirmation_code } = outcome;
    return { status: 'confirmation_required', authorization_id, confirmation_code, connection_name };
  }
  const { status, statusReason } = outcome;
  return { status, connection_name, ...(statusReason !== null && { status_reason: statusReason }) };
}

function nameOf(pair: string): string {
  return new URLSearchParams(pair).keys().next().value ?? '';
}
