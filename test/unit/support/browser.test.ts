import { createServer, type RequestListener } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createBrowser } from '../../support/browser/browser.ts';
import { createCookieJar } from '../../support/browser/cookie-jar.ts';

describe('the cookie jar of the tests', () => {
  const http = new URL('http://host.test/a/b');
  const https = new URL('https://host.test/a/b');

  test('a Secure cookie neither comes nor goes over http', () => {
    const jar = createCookieJar();
    jar.store(http, ['lost=1; Secure']);
    jar.store(https, ['kept=1; Secure; Path=/']);
    expect(jar.header(https)).toBe('kept=1');
    expect(jar.header(http)).toBe('');
  });

  test('a cookie stays below its path, its own directory by default', () => {
    const jar = createCookieJar();
    jar.store(http, ['default=1', 'root=1; Path=/']);
    expect(jar.header(new URL('http://host.test/a/c'))).toBe('default=1; root=1');
    expect(jar.header(new URL('http://host.test/ab'))).toBe('root=1');
  });

  test('a cookie belongs to its host on every port, and an expired one is gone', () => {
    const jar = createCookieJar();
    jar.store(http, ['one=1; Path=/', 'two=2; Path=/']);
    jar.store(http, ['two=; Path=/; Max-Age=0']);
    expect(jar.header(new URL('http://host.test:81/'))).toBe('one=1');
    expect(jar.header(new URL('http://other.test/'))).toBe('');
  });
});

describe('the browser of the tests', () => {
  let answer: RequestListener;
  const server = createServer((request, response) => answer(request, response));
  const seen: string[] = [];
  let origin = '';

  beforeEach(async () => {
    seen.length = 0;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    origin = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  test('submits hidden values, decoded, to where the form says', async () => {
    answer = async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      seen.push(`${request.method} ${request.url} ${body}`);
      response.end(
        '<form method="post" action="/go?x=1&amp;y=2"><input type="hidden" name="a" value="&lt;&#39;1"><input name="b"></form>',
      );
    };
    const browser = createBrowser();
    await browser.submit(await browser.open(`${origin}/form`), { b: 'two' });
    expect(seen).toEqual(['GET /form ', 'POST /go?x=1&y=2 a=%3C%271&b=two']);
  });

  test('stops in front of a URL it was told not to open', async () => {
    answer = (request, response) => {
      seen.push(String(request.url));
      response.writeHead(302, { location: request.url === '/one' ? '/two' : '/three' }).end();
    };
    const page = await createBrowser().open(`${origin}/one`, (url) => url.pathname === '/three');
    expect(page.location?.pathname).toBe('/three');
    expect(page.hops.map(({ url }) => url.pathname)).toEqual(seen);
    expect(seen).toEqual(['/one', '/two']);
  });

  test('asks the address behind a public origin, and keeps its cookies for that origin', async () => {
    answer = (request, response) => {
      seen.push(request.headers.cookie ?? '');
      response.setHeader('set-cookie', 'id=1; Secure; Path=/').end('');
    };
    const browser = createBrowser({ origins: { 'https://public.test': origin } });
    for (const _ of [1, 2]) await browser.open('https://public.test/');
    expect(seen).toEqual(['', 'id=1']);
  });

  test('a circle of redirects ends', async () => {
    answer = (_request, response) => response.writeHead(302, { location: '/' }).end();
    await expect(createBrowser().open(origin)).rejects.toThrow('redirects');
  });
});
