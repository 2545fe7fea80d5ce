import { type IncomingHttpHeaders, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { decodeEntities } from '../browser/browser.ts';

export interface RawRequest {
  method?: string;
  path: string;
  headers?: Record<string, string>;
  /** Fields of a form, or the body as it is. */
  form?: Record<string, string> | string;
}

export interface RawResponse {
  status: number;
  headers: IncomingHttpHeaders;
  /** Set-Cookie lines. */
  cookies: string[];
  body: string;
}

export type RawClient = (options: RawRequest) => Promise<RawResponse>;

/** A session as its browser holds it. */
export interface HeldSession {
  /** Name and value of the cookie. */
  cookie: string;
  id: string;
  /** Token of its forms. */
  csrf: string;
}

/** Headers of a form that a page of the console sent. */
export const sameOrigin = { 'sec-fetch-site': 'same-origin' };
/** Headers of a link on another site that a person followed. */
export const fromElsewhere = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };

/** Sends requests with exactly these headers, which `fetch` would complete, and follows no redirect. */
export function createRawClient(base: string): RawClient {
  return async ({ method = 'GET', path, headers = {}, form }) => {
    const body = typeof form === 'object' ? new URLSearchParams(form).toString() : form;
    const type = body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' };
    const outgoing = request(new URL(base).origin, { method, path, headers: { ...type, ...headers } });
    const { promise, resolve, reject } = Promise.withResolvers<RawResponse>();
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      const { statusCode = 0, headers: received } = response;
      const cookies = received['set-cookie'] ?? [];
      text(response).then(
        (content) => resolve({ status: statusCode, headers: received, cookies, body: content }),
        reject,
      );
    });
    outgoing.end(body);
    return promise;
  };
}

/** Signs in with a key. The console is at the root of its origin. */
export async function openSession(send: RawClient, key: string): Promise<HeldSession> {
  const response = await send({ method: 'POST', path: '/console/sign-in', headers: sameOrigin, form: { key } });
  const [line = ''] = response.cookies;
  const [, cookie = '', id = ''] = /^([^=;]+=([\w-]{43})\.[^;]+);/.exec(line) ?? [];
  if (cookie === '') throw new Error(`the sign-in answered ${response.status}: ${response.body}`);
  const page = await send({ path: '/console/sessions', headers: { cookie } });
  return { cookie, id, csrf: csrfIn(page.body) };
}

export function csrfIn(page: string): string {
  const token = /name="_csrf" value="([^"]*)"/.exec(page)?.[1];
  if (token === undefined) throw new Error(`the page holds no form: ${page}`);
  return decodeEntities(token);
}
