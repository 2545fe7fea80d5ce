import { outcomeOf } from '../domain/authorization.ts';
import type { TripStore, TripWithConnection } from '../domain/ports/callers.ts';
import type { Tokens } from '../domain/ports/tokens.ts';
import type { CallbackHit } from './callback-hit.ts';
import type { RedirectUriOf } from './connection-view.ts';

/** What a browser's return turns out to be, before anything is consumed. */
export type RecognizedCallback =
  | { kind: 'recognized'; trip: TripWithConnection; state: string; browserHash: string }
  | { kind: 'refused'; message: string; trip: TripWithConnection | null };

export type RecognizeCallback = (hit: CallbackHit) => Promise<RecognizedCallback>;

export interface RecognizeCallbackDeps {
  trips: Pick<TripStore, 'find'>;
  tokens: Pick<Tokens, 'sha256Text'>;
  redirectUriOf: RedirectUriOf;
  clock: () => Date;
}

/** Only flows that do not exist here answer with these; whoever sends them wants them to leak or to be accepted. */
const neverInCallback = ['access_token', 'refresh_token', 'id_token'];

/** Reads, and consumes nothing: whoever is refused here has not cost the person their link. */
export function createRecognizeCallback(deps: RecognizeCallbackDeps): RecognizeCallback {
  const { trips, tokens } = deps;
  return async (hit) => {
    const malformed = malformation(hit.parameters);
    if (malformed !== undefined) return { kind: 'refused', message: malformed, trip: null };
    const state = hit.parameters.get('state');
    const trip = state ? await trips.find(tokens.sha256Text(state)) : undefined;
    if (!state || trip === undefined) {
      return {
        kind: 'refused',
        message: 'This answer belongs to no connection attempt that is known here.',
        trip: null,
      };
    }
    const browserHash = hit.browserId === null ? null : tokens.sha256Text(hit.browserId);
    const message = mismatch(deps, trip, hit, browserHash);
    if (message !== undefined || browserHash === null) return { kind: 'refused', message: message ?? foreign, trip };
    return { kind: 'recognized', trip, state, browserHash };
  };
}

/** Far beyond any provider's. Looking a parameter up costs as much as there are parameters, and whoever has a link may post a form. */
const maxParameters = 100;

/** RFC 6749 §3.1: no parameter more than once. */
function malformation(parameters: URLSearchParams): string | undefined {
  if (parameters.size > maxParameters) return 'The answer holds too many parameters.';
  const names = [...parameters.keys()];
  if (new Set(names).size !== names.length) return 'The answer repeats a parameter.';
  if (parameters.get('code') && parameters.has('error')) return 'The answer holds a code and an error at once.';
  if (neverInCallback.some((name) => parameters.has(name))) return 'The answer holds tokens, which it must not.';
  return undefined;
}

const foreign = 'This connection attempt was opened in another browser. Open the link again, in this one.';

function mismatch(
  { redirectUriOf, clock }: RecognizeCallbackDeps,
  { authorization, connection }: TripWithConnection,
  hit: CallbackHit,
  browserHash: string | null,
): string | undefined {
  if (connection.name !== hit.connectionName || connection.organizationId !== hit.organizationId) {
    return 'This answer came to the address of another connection.';
  }
  if (browserHash === null || authorization.browserHash !== browserHash) return foreign;
  if (authorization.status === 'cancelled') return 'This connection attempt was cancelled.';
  if (authorization.status !== 'pending') {
    return authorization.statusReason === 'configuration_changed'
      ? 'The connection was changed while you were away. Ask for a new link.'
      : 'This connection attempt has already been answered.';
  }
  if (outcomeOf(authorization, clock()) === 'expired')
    return 'This connection attempt has expired. Ask for a new link.';
  return movedAway(authorization.redirectUri, redirectUriOf(connection));
}

/** The provider would refuse the code for another redirect_uri; naming both tells which environment is the wrong one. */
function movedAway(started: string, today: string): string | undefined {
  if (started === today) return undefined;
  const [from, to] = [new URL(started).origin, new URL(today).origin];
  return from === to
    ? `This connection attempt was started for ${started}, and this service now answers at ${today}.`
    : `This connection attempt was started at ${from}, and this service is ${to}.`;
}
