/** One call as the double received it. */
export interface ReceivedCall {
  method: string;
  url: string;
  headers: Headers;
  body: unknown;
  init: RequestInit;
}

/** Responds to a call, or throws as fetch does. */
export type FetchReply = (call: ReceivedCall) => Response | Promise<Response>;

export interface FetchDouble {
  fetch: typeof fetch;
  calls: ReceivedCall[];
  /** Sets the replies, one for each call. The last one repeats. */
  script(...replies: [FetchReply, ...FetchReply[]]): void;
}

/** A fetch without a network. A call ends with the reason of its signal if that aborts first, as the platform's does. */
export function createFetchDouble(...first: [FetchReply, ...FetchReply[]]): FetchDouble {
  let replies: FetchReply[] = [...first];
  const calls: ReceivedCall[] = [];
  return {
    calls,
    script: (...next) => {
      replies = [...next];
    },
    async fetch(input, init = {}) {
      const request = input instanceof Request ? input : undefined;
      const call: ReceivedCall = {
        method: init.method ?? request?.method ?? 'GET',
        url: request?.url ?? String(input),
        headers: new Headers(init.headers ?? request?.headers),
        body: init.body ?? undefined,
        init,
      };
      calls.push(call);
      const reply = replies.length > 1 ? replies.shift() : replies[0];
      if (reply === undefined) throw new Error('the double has no reply');
      const signal = init.signal ?? undefined;
      const aborted = new Promise<never>((_, reject) => {
        if (signal?.aborted) reject(signal.reason);
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
      return Promise.race([Promise.resolve(call).then(reply), aborted]);
    },
  };
}

export const respond =
  (status: number, body: unknown = {}, headers: Record<string, string> = {}): FetchReply =>
  () =>
    new Response(status === 204 || status === 304 ? null : JSON.stringify(body), { status, headers });

/** Problem details as the broker sends them. */
export const refuse = (status: number, code: string, members: object = {}, headers: Record<string, string> = {}) =>
  respond(
    status,
    { type: `/docs#${code}`, title: 'T', status, detail: `about ${code}`, instance: 'req-1', code, ...members },
    headers,
  );

export const breakConnection: FetchReply = () => {
  throw new TypeError('fetch failed');
};

/** Never responds: only the time limit or the caller ends the call. */
export const hang: FetchReply = () => new Promise(() => {});

let tokens = 0;

/** A credential that lives that many seconds from now, with a token of its own. */
export function credentialOf(seconds: number | null, more: object = {}): Record<string, unknown> {
  tokens += 1;
  return {
    connection_name: 'crm',
    organization_id: null,
    grant_organization_id: null,
    subject: null,
    account_id: null,
    access_token: `token-${tokens}`,
    token_type: 'Bearer',
    expires_at: seconds === null ? null : new Date(Date.now() + seconds * 1000).toISOString(),
    scopes: ['a'],
    status: 'completed',
    status_reason: null,
    next_action: 'none',
    extra: {},
    ...more,
  };
}

/** Serves a new credential at each call. */
export const serve =
  (seconds: number | null, more: object = {}): FetchReply =>
  (call) =>
    respond(200, credentialOf(seconds, more))(call);
