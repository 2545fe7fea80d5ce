import type {
  OnProviderRequestEnd,
  ProviderRequestEnd,
  ProviderRequestKind,
} from '../../domain/ports/monitoring/observations.ts';
import { ProviderFailure } from '../../domain/provider-failure.ts';
import type { GuardedHttp } from '../../outbound/guarded-http.ts';

/** Reports each request when it ends: by its status, whatever its body says. */
export function observeRequests(
  send: GuardedHttp['send'],
  { provider, kind }: { provider: string; kind: ProviderRequestKind },
  onEnd: OnProviderRequestEnd,
): GuardedHttp['send'] {
  return async (request, deadline) => {
    const startedAt = performance.now();
    const report = (result: ProviderRequestEnd['result']) =>
      onEnd({ provider, kind, result, seconds: (performance.now() - startedAt) / 1000 });
    try {
      const response = await send(request, deadline);
      report(resultOfStatus(response.status));
      return response;
    } catch (error) {
      report(resultOfError(error));
      throw error;
    }
  };
}

function resultOfStatus(status: number): ProviderRequestEnd['result'] {
  if (status === 429) return 'throttled';
  if (status >= 500) return 'server_error';
  if (status >= 400) return 'refused';
  return status >= 300 ? 'redirect' : 'success';
}

/** The body of an answer may be unreadable although its status arrived. */
function resultOfError(error: unknown): ProviderRequestEnd['result'] {
  if (!(error instanceof ProviderFailure) || !error.facts.sent) return 'not_sent';
  return error.facts.httpStatus === null ? 'no_answer' : resultOfStatus(error.facts.httpStatus);
}
