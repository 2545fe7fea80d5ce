import type { CallOptions } from './connections.ts';
import { Unavailable, withoutResponse } from './errors.ts';
import type { ApiRequest } from './transport/create-request.ts';
import { pathOf } from './transport/request-url.ts';
import { sleep } from './transport/time-limit.ts';
import type {
  AuthorizationProgress,
  AuthorizationStart,
  Confirmation,
  StartedAuthorization,
} from './types/authorization.ts';

export interface WaitOptions extends CallOptions {
  /** Milliseconds after which the waiting ends with the code timeout. Default: 15 minutes. */
  timeoutMs?: number | undefined;
  /** Milliseconds between two looks. Default: one second. */
  intervalMs?: number | undefined;
}

export interface Authorizations {
  /** Starts an authorization. Open `authorization_url` of the result in the person's browser. */
  authorize(name: string, start?: AuthorizationStart, options?: CallOptions): Promise<StartedAuthorization>;
  /** Waits until the authorization is no longer pending, and returns how it ended. */
  waitFor(state: string, options?: WaitOptions): Promise<AuthorizationProgress>;
  /** Makes the grant of an authorization that was started with `binding_challenge`. */
  confirm(authorizationId: string, confirmation: Confirmation, options?: CallOptions): Promise<AuthorizationProgress>;
}

const defaults = { timeoutMs: 900_000, intervalMs: 1000 };

export function createAuthorizations(request: ApiRequest): Authorizations {
  const read = (state: string, signal: AbortSignal | undefined) =>
    request<AuthorizationProgress>('GET', pathOf('authorizations', state), { signal });

  return {
    authorize: (name, start = {}, { signal } = {}) =>
      request('POST', pathOf('connections', name, 'authorize'), { body: start, signal }),
    confirm: (authorizationId, confirmation, { signal } = {}) =>
      request('POST', pathOf('authorizations', authorizationId, 'confirm'), { body: confirmation, signal }),
    async waitFor(state, options = {}) {
      const { timeoutMs = defaults.timeoutMs, intervalMs = defaults.intervalMs, signal } = options;
      const endsAt = Date.now() + timeoutMs;
      for (;;) {
        const progress = await read(state, signal).catch(undefinedIfUnavailable);
        if (progress !== undefined && progress.status !== 'pending') return progress;
        if (Date.now() + intervalMs > endsAt) {
          throw withoutResponse('timeout', `The authorization did not end within ${timeoutMs} ms.`);
        }
        await sleep(intervalMs, signal);
      }
    },
  };
}

/** The person may need minutes: a broker that restarts meanwhile does not end the waiting. */
function undefinedIfUnavailable(error: unknown): undefined {
  if (!(error instanceof Unavailable)) throw error;
}
