import { TokenBrokerError, withoutResponse } from '../errors.ts';
import type { Settings } from '../settings.ts';
import { readProblem } from './read-problem.ts';
import { type Query, requestUrl } from './request-url.ts';
import { retryDelayMs } from './retry-delay.ts';
import { sleep, startTimeLimit, type TimeLimit, untilAborted } from './time-limit.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface RequestOptions {
  query?: Query | undefined;
  /** Value that is sent as JSON. */
  body?: unknown;
  /** Body that is sent as it is; its Content-Type belongs in `headers`. Instead of `body`. */
  rawBody?: NonNullable<RequestInit['body']> | undefined;
  headers?: Readonly<Record<string, string>> | undefined;
  signal?: AbortSignal | undefined;
  /** Instead of the client's. */
  timeoutMs?: number | undefined;
}

/** Calls the API and hands a successful response to `read`, within the time limit. Throws TokenBrokerError otherwise. */
export type Send = <T>(
  method: Method,
  path: string,
  options: RequestOptions & { isRepeatable?: boolean | undefined },
  read: (response: Response) => Promise<T>,
) => Promise<T>;

export function createSend(settings: Settings): Send {
  return async (method, path, options, read) => {
    const url = requestUrl(settings.baseUrl, path, options.query);
    const retries = method === 'GET' || options.isRepeatable === true ? settings.retries : 0;
    const limit = startTimeLimit(options.timeoutMs ?? settings.timeoutMs, options.signal);
    try {
      const init = await createInit(settings, method, options, limit);
      for (let attempt = 0; ; attempt++) {
        const outcome = await attemptOnce(settings.fetch, url, init, read, limit);
        if (outcome.ok) return outcome.value;
        const delayMs = attempt < retries ? retryDelayMs(outcome.error, attempt) : undefined;
        if (delayMs === undefined || delayMs >= limit.remainingMs()) throw outcome.error;
        await sleep(delayMs, limit.signal);
      }
    } finally {
      limit.end();
    }
  };
}

async function createInit(
  settings: Settings,
  method: Method,
  { body, rawBody, headers = {} }: RequestOptions,
  { signal }: TimeLimit,
): Promise<RequestInit> {
  const all = new Headers(headers);
  all.set('authorization', `Bearer ${await untilAborted(settings.readKey(), signal)}`);
  if (!all.has('accept')) all.set('accept', 'application/json');
  if (settings.organization !== undefined) all.set('x-organization-id', settings.organization);
  if (body !== undefined && !all.has('content-type')) all.set('content-type', 'application/json');
  const content = rawBody ?? (body === undefined ? undefined : JSON.stringify(body));
  // A followed redirect would send the key or a client secret to an address that the caller did not name.
  const init: RequestInit & { duplex?: 'half' } = { method, headers: all, signal, redirect: 'manual' };
  if (content !== undefined) init.body = content;
  if (content instanceof ReadableStream) init.duplex = 'half';
  return init;
}

type Outcome<T> = { ok: true; value: T } | { ok: false; error: TokenBrokerError };

/** Makes one attempt. Throws what no retry can change: an abort, or the end of the time. */
async function attemptOnce<T>(
  fetch: Settings['fetch'],
  url: string,
  init: RequestInit,
  read: (response: Response) => Promise<T>,
  limit: TimeLimit,
): Promise<Outcome<T>> {
  try {
    const response = await fetch(url, init);
    if (response.ok) return { ok: true, value: await read(response) };
    return { ok: false, error: isRedirect(response) ? redirected(response) : await readProblem(response) };
  } catch (error) {
    const failure = limit.failure();
    if (failure !== undefined) throw failure;
    if (error instanceof TokenBrokerError) throw error;
    const { origin } = new URL(url);
    return { ok: false, error: withoutResponse('network_error', `The broker at ${origin} cannot be reached.`, error) };
  }
}

/** Browsers hide a redirect that they do not follow: its status is 0. */
function isRedirect({ status, type }: Response): boolean {
  return type === 'opaqueredirect' || (status >= 300 && status < 400);
}

function redirected({ status }: Response): TokenBrokerError {
  const message = 'The address of the broker answers with a redirect. Set url to the address that it leads to.';
  return new TokenBrokerError(message, { code: 'unexpected_response', status });
}
