import { decodeEntities } from '../browser/browser.ts';
import { createCookieJar } from '../browser/cookie-jar.ts';

export interface ConsolePage {
  status: number;
  /** Address after redirects. */
  url: URL;
  headers: Headers;
  html: string;
  /** Text as a person reads it, with single spaces. */
  text: string;
  forms: Form[];
  /** Addresses of all links, below the address of the service. */
  links: string[];
}

export interface Form {
  method: string;
  /** Address below the service. */
  action: string;
  /** Hidden fields, and the present values of the others. A field with several values has the last one. */
  fields: Record<string, string>;
  /** Label of its button. */
  label: string;
}

type Fields = Record<string, string | readonly string[]>;

export type ConsoleClient = ReturnType<typeof createConsoleClient>;

/** Uses the console as a browser without scripts does: keeps the cookie, follows redirects and sends forms. */
export function createConsoleClient(base: string, headers: Record<string, string> = {}) {
  const jar = createCookieJar();

  async function send(method: string, url: URL, body?: URLSearchParams, extra: Record<string, string> = {}) {
    const cookie = jar.header(url);
    const response = await fetch(url, {
      method,
      redirect: 'manual',
      headers: {
        accept: 'text/html',
        'sec-fetch-site': 'same-origin',
        ...(cookie === '' ? {} : { cookie }),
        ...headers,
        ...extra,
      },
      ...(body === undefined ? {} : { body }),
    });
    jar.store(url, response.headers.getSetCookie());
    return response;
  }

  async function request(method: string, path: string, form?: Fields, extra?: Record<string, string>) {
    let url = new URL(path, base);
    let response = await send(method, url, form === undefined ? undefined : encoded(form), extra);
    for (let hops = 0; response.status === 303 && hops < 5; hops += 1) {
      const target = new URL(response.headers.get('location') ?? '', url);
      if (target.origin !== url.origin) break;
      url = target;
      response = await send('GET', url);
    }
    return pageOf(response.status, url, response.headers, await response.text());
  }

  return {
    base,
    jar,
    get: (path: string, extra?: Record<string, string>) => request('GET', path, undefined, extra),
    /** Sends fields as they are, without what a page would add. */
    post: (path: string, fields: Fields, extra?: Record<string, string>) => request('POST', path, fields, extra),
    /** Sends the form of a page whose action contains the text or whose button has that label, with these values. */
    submit(page: ConsolePage, which: string, fields: Fields = {}) {
      const form = page.forms.find(({ action, label }) => label === which || action.includes(which));
      if (form === undefined) {
        const known = page.forms.map(({ action, label }) => `${label} (${action})`).join(', ');
        throw new Error(`no form ${which} on ${page.url.pathname}: ${known}`);
      }
      const values = { ...form.fields, ...fields };
      if (form.method === 'post') return request('POST', form.action, values);
      return request('GET', `${form.action.split('?', 1)[0]}?${encoded(values)}`);
    },
    async signIn(key: string): Promise<ConsolePage> {
      return this.submit(await this.get('/console/sign-in'), 'Sign in', { key });
    },
  };
}

/** Opens a session of the console at an address, with a key. */
export async function signedInConsole(base: string, key: string): Promise<ConsoleClient> {
  const client = createConsoleClient(base);
  await client.signIn(key);
  return client;
}

function encoded(fields: Fields): URLSearchParams {
  return new URLSearchParams(
    Object.entries(fields).flatMap(([name, value]) => [value].flat().map((each): [string, string] => [name, each])),
  );
}

function pageOf(status: number, url: URL, headers: Headers, html: string): ConsolePage {
  const text = decodeEntities(html.replace(/<head>[\s\S]*<\/head>/, '').replace(/<[^>]*>/g, ' ')).replace(/\s+/g, ' ');
  const links = [...html.matchAll(/<a\b[^>]*\bhref="([^"]*)"/g)].map(([, href = '']) => decodeEntities(href));
  return { status, url, headers, html, text, links, forms: formsOf(html) };
}

function formsOf(html: string): Form[] {
  return [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/g)].map(([, attributes = '', content = '']) => ({
    method: attribute(attributes, 'method') ?? 'get',
    action: attribute(attributes, 'action') ?? '',
    label: decodeEntities(
      /<button\b[^>]*>([\s\S]*?)<\/button>/.exec(content)?.[1]?.replace(/<[^>]*>/g, '') ?? '',
    ).trim(),
    fields: Object.fromEntries([...inputsOf(content), ...areasOf(content), ...choicesOf(content)]),
  }));
}

function inputsOf(content: string): [string, string][] {
  return [...content.matchAll(/<input\b([^>]*)>/g)].flatMap(([, attributes = '']) => {
    const name = attribute(attributes, 'name');
    const isBox = /\btype="(checkbox|radio)"/.test(attributes);
    if (name === undefined || (isBox && !/\bchecked\b/.test(attributes))) return [];
    return [[name, attribute(attributes, 'value') ?? (isBox ? 'on' : '')]];
  });
}

function areasOf(content: string): [string, string][] {
  return [...content.matchAll(/<textarea\b([^>]*)>([\s\S]*?)<\/textarea>/g)].map(([, attributes = '', text = '']) => [
    attribute(attributes, 'name') ?? '',
    decodeEntities(text),
  ]);
}

function choicesOf(content: string): [string, string][] {
  return [...content.matchAll(/<select\b([^>]*)>([\s\S]*?)<\/select>/g)].map(([, attributes = '', options = '']) => {
    const chosen = /<option\b([^>]*\bselected\b[^>]*)>/.exec(options) ?? /<option\b([^>]*)>/.exec(options);
    return [attribute(attributes, 'name') ?? '', attribute(chosen?.[1] ?? '', 'value') ?? ''];
  });
}

function attribute(attributes: string, name: string): string | undefined {
  const found = new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1];
  return found === undefined ? undefined : decodeEntities(found);
}
