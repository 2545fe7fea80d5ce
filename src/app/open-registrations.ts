import type { Logger } from 'pino';
import { createRegisterFetches } from '../broker/workflows/register-fetches.ts';
import type { OnFetch } from '../domain/grants/credential-fetch.ts';
import type { Postgres } from '../postgres/postgres.ts';
import { reportUnexpected } from './report-unexpected.ts';

/** Milliseconds between two writes: how long a dependency stays unlisted, and what a killed process forgets. */
const flushEveryMs = 3_000;

/** Registers the workflows of fetches in the background. The last ones are written when the stack is disposed. */
export function openRegistrations(
  { workflowRegistrations: registrations }: Pick<Postgres, 'workflowRegistrations'>,
  log: Logger,
  stack: AsyncDisposableStack,
  onError: (error: unknown) => void,
): OnFetch {
  const { onFetch, flush } = createRegisterFetches({ registrations });
  const report = reportUnexpected(onError);
  const timer = setInterval(() => void flush().catch(report), flushEveryMs);
  stack.defer(async () => {
    clearInterval(timer);
    await flush().catch((error: unknown) => log.error({ err: error }, 'workflows of the last fetches not registered'));
  });
  return onFetch;
}
