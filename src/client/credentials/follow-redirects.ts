import { type OutgoingCall, withHeaders } from './outgoing-call.ts';

/** Redirects of one call, as the fetch standard bounds them. */
const maxRedirects = 20;
const redirectStatuses: readonly number[] = [301, 302, 303, 307, 308];
/** Headers of the caller that may hold a secret for the first address only. */
const secretHeaders = ['authorization', 'cookie', 'proxy-authorization'];
const bodyHeaders = ['content-type', 'content-length', 'content-encoding', 'content-language', 'content-location'];

/** Response with the origin that sent it. */
export interface Followed {
  response: Response;
  /** Whether the response comes from the origin that the token was sent to. */
  isSameOrigin: boolean;
}

/**
 * Sends the call and follows redirects, without the token once the origin changes. The client does it itself because not
 * every platform's fetch drops the header. Browsers do, and hide redirects: there the platform follows.
 */
export async function followRedirects(send: typeof fetch, first: OutgoingCall): Promise<Followed> {
  const mode = first.init.redirect ?? 'follow';
  let call = first;
  let isSameOrigin = true;
  for (let redirects = 0; ; redirects++) {
    const response = await send(call.url, { ...call.init, redirect: mode === 'follow' ? 'manual' : mode });
    if (mode !== 'follow') return { response, isSameOrigin };
    if (response.type === 'opaqueredirect') return followInBrowser(send, call);
    const location = redirectStatuses.includes(response.status) ? response.headers.get('location') : null;
    if (location === null) return { response, isSameOrigin };
    await response.body?.cancel();
    if (redirects === maxRedirects) throw new TypeError(`more than ${maxRedirects} redirects`);
    call = nextCall(call, response.status, new URL(location, call.url));
    isSameOrigin &&= new URL(call.url).origin === new URL(first.url).origin;
  }
}

async function followInBrowser(send: typeof fetch, call: OutgoingCall): Promise<Followed> {
  const method = (call.init.method ?? 'GET').toUpperCase();
  // Anything else may have had its effect already: sent again, it would have it twice.
  if (method !== 'GET' && method !== 'HEAD') throw new TypeError(`cannot follow a redirect of ${method} in a browser`);
  const response = await send(call.url, { ...call.init, redirect: 'follow' });
  return { response, isSameOrigin: new URL(response.url || call.url).origin === new URL(call.url).origin };
}

/** Builds the next call (fetch standard, HTTP-redirect fetch). */
function nextCall(call: OutgoingCall, status: number, target: URL): OutgoingCall {
  if (target.protocol !== 'https:' && target.protocol !== 'http:') throw new TypeError('redirect to another scheme');
  const method = (call.init.method ?? 'GET').toUpperCase();
  const becomesGet = (status === 303 && method !== 'GET' && method !== 'HEAD') || (status <= 302 && method === 'POST');
  if (!becomesGet && !call.isReplayable) throw new TypeError('cannot follow a redirect with a body that is a stream');
  const isOtherOrigin = target.origin !== new URL(call.url).origin;
  const init = withHeaders(call, (headers) => {
    if (isOtherOrigin) for (const name of secretHeaders) headers.delete(name);
    if (becomesGet) for (const name of bodyHeaders) headers.delete(name);
  });
  if (!becomesGet) return { ...call, url: target.href, init };
  const { body: _, duplex: __, ...rest } = init;
  return { url: target.href, init: { ...rest, method: 'GET' }, isReplayable: true };
}
