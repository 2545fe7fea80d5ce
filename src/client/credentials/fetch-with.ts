import type { Settings } from '../settings.ts';
import type { RenewedCredential } from '../types/credential.ts';
import type { Credentials } from './create-credentials.ts';
import { type Followed, followRedirects } from './follow-redirects.ts';
import { type OutgoingCall, readCall, withHeaders } from './outgoing-call.ts';
import type { SelectionOptions } from './selection.ts';

/**
 * Returns a fetch that sends the access token of the connection. If the API rejects the token with 401, the token is
 * reported once, and the call is sent again with its successor if the body can be sent again.
 */
export type FetchWith = (name: string, options?: SelectionOptions) => typeof fetch;

export function createFetchWith(
  { fetch: send }: Pick<Settings, 'fetch'>,
  { credential, renew }: Pick<Credentials, 'credential' | 'renew'>,
): FetchWith {
  return (name, options = {}) =>
    async (input, init) => {
      const call = readCall(input, init);
      const { signal } = call.init;
      const waiting = signal ? { ...options, signal } : options;
      const { access_token: token } = await credential(name, waiting);
      const first = await sendWith(send, call, token);
      // A 401 of another origin is not about the token, which was not sent there.
      if (first.response.status !== 401 || !first.isSameOrigin) return first.response;
      const next = await successorOf(token, () => renew(name, token, waiting));
      if (next === undefined || !call.isReplayable) return first.response;
      await first.response.body?.cancel();
      return (await sendWith(send, call, next)).response;
    };
}

function sendWith(send: typeof fetch, call: OutgoingCall, token: string): Promise<Followed> {
  const init = withHeaders(call, (headers) => headers.set('authorization', `Bearer ${token}`));
  return followRedirects(send, { ...call, init });
}

/**
 * Token to try instead of the rejected one; undefined if there is none. A token that another process renewed first
 * counts too: the broker answers `renewed: false` with it. A failed report leaves the 401 as the outcome of the call.
 */
async function successorOf(rejected: string, report: () => Promise<RenewedCredential>): Promise<string | undefined> {
  try {
    const { access_token: token } = await report();
    return token === rejected ? undefined : token;
  } catch {
    return undefined;
  }
}
