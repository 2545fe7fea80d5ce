import { createCookieJar } from './cookie-jar.ts';

/** One request and its response. */
export interface Hop {
  method: string;
  url: URL;
  status: number;
  location: URL | null;
  headers: Headers;
  body: string;
}

/** The last response, and every hop that led to it, the last one included. */
export interface Page extends Hop {
  hops: Hop[];
}

export interface BrowserOptions {
  /** Maps a public origin to the address that serves it, as a TLS proxy does. */
  origins?: Record<string, string>;
  headers?: Record<string, string>;
}

export type Browser = ReturnType<typeof createBrowser>;

const maxHops = 20;

/** A browser without a screen: keeps cookies, follows redirects hop by hop, submits forms. Each has its own cookies. */
export function createBrowser({ origins = {}, headers = {} }: BrowserOptions = {}) {
  const jar = createCookieJar();

  /** Sends one request and follows no redirect. */
  async function send(method: string, url: URL, form: URLSearchParams | null = null): Promise<Hop> {
    const cookie = jar.header(url);
    const response = await fetch(actual(url), {
      method,
      redirect: 'manual',
      headers: { accept: 'text/html', ...headers, ...(cookie === '' ? {} : { cookie }) },
      ...(form === null ? {} : { body: form }),
    });
    jar.store(url, response.headers.getSetCookie());
    const location = response.headers.get('location');
    return {
      method,
      url,
      status: response.status,
      location: location === null ? null : new URL(location, url),
      headers: response.headers,
      body: await response.text(),
    };
  }

  function actual(url: URL): URL {
    const origin = origins[url.origin];
    return origin === undefined ? url : new URL(url.pathname + url.search, origin);
  }

  /** Follows redirects. Stops before a URL that `until` accepts, without requesting it. */
  async function follow(first: Promise<Hop>, until: (url: URL) => boolean): Promise<Page> {
    const hops: Hop[] = [];
    let hop = await first;
    for (;;) {
      hops.push(hop);
      const next = hop.status >= 300 && hop.status < 400 ? hop.location : null;
      if (next === null || until(next)) return { ...hop, hops };
      if (hops.length >= maxHops) throw new Error(`more than ${maxHops} redirects, last to ${next.origin}`);
      // Sends GET after 307 and 308 too, although a browser repeats the form: no tested server sends them.
      hop = await send('GET', next);
    }
  }

  const never = () => false;

  return {
    send,
    open(url: string | URL, until: (url: URL) => boolean = never): Promise<Page> {
      return follow(send('GET', new URL(url)), until);
    },
    /** Submits the only form of the page. The values override its hidden and preset ones. */
    submit(page: Hop, values: Record<string, string> = {}, until: (url: URL) => boolean = never): Promise<Page> {
      const { method, action, fields } = parseForm(page);
      for (const [name, value] of Object.entries(values)) fields.set(name, value);
      if (method === 'POST') return follow(send('POST', action, fields), until);
      action.search = fields.toString();
      return follow(send('GET', action), until);
    },
    cookies: jar,
  };
}

function parseForm(page: Hop): { method: string; action: URL; fields: URLSearchParams } {
  const form = /<form\b([^>]*)>([\s\S]*?)<\/form>/i.exec(page.body);
  if (form === null) throw new Error(`no form at ${page.url.origin}${page.url.pathname} (status ${page.status})`);
  const attributes = parseAttributes(form[1] ?? '');
  const fields = new URLSearchParams();
  for (const input of (form[2] ?? '').matchAll(/<input\b([^>]*)>/gi)) {
    const { name, value = '' } = parseAttributes(input[1] ?? '');
    if (name !== undefined) fields.append(name, value);
  }
  return {
    method: (attributes.method ?? 'get').toUpperCase(),
    action: new URL(attributes.action ?? '', page.url),
    fields,
  };
}

function parseAttributes(text: string): Record<string, string | undefined> {
  const attributes: Record<string, string | undefined> = {};
  for (const [, name, double, single, bare] of text.matchAll(/([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/g)) {
    if (name !== undefined) attributes[name.toLowerCase()] = decodeEntities(double ?? single ?? bare ?? '');
  }
  return attributes;
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Replaces HTML character references, numeric ones included, by their text. */
export function decodeEntities(text: string): string {
  return text.replace(/&(?:#x([\da-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    return entities[String(name).toLowerCase()] ?? whole;
  });
}
