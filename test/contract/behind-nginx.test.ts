import { once } from 'node:events';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addConnection, connect, startAuthorization, type TestConnection, walkToCallback } from '../e2e/connections.ts';
import { createBrowser } from '../support/browser/browser.ts';
import type { Api } from '../support/http/broker-api.ts';
import { describeWithNginx, type Nginx, startNginx } from '../support/http/nginx.ts';
import { freePort } from '../support/processes/free-port.ts';
import { openService, type Service } from './service.ts';

const compression = 'gzip on; gzip_min_length 1; gzip_types *; gzip_proxied any; gzip_http_version 1.0; gzip_vary on;';

/** nginx inherits no header from the server block once a location sets one. */
const forwarded = `proxy_set_header X-Forwarded-For "$proxy_add_x_forwarded_for:$remote_port";
  proxy_set_header X-Forwarded-Proto https; proxy_set_header X-Forwarded-Host evil.example;`;

/** Ways in which people write the same proxy. By default nginx sends HTTP/1.0, closes each connection, and buffers. */
const configurations: Record<string, (url: string) => string> = {
  'with the URL alone': (url) => `location / { proxy_pass ${url}; proxy_set_header Host $http_host; ${forwarded} }`,
  'with a path, so that nginx decodes and encodes the URL': (url) =>
    `location / { proxy_pass ${url}/; proxy_set_header Host $host:$server_port; ${forwarded} }`,
  'with HTTP/1.1, kept connections and no buffers': (url) =>
    `location / { proxy_pass ${url}; proxy_http_version 1.1; proxy_set_header Connection ""; ${forwarded}
      proxy_buffering off; proxy_request_buffering off; }`,
};

for (const [title, locationTo] of Object.entries(configurations)) {
  describeWithNginx(`behind nginx ${title}`, () => {
    let service: Service;
    let nginx: Nginx;
    let base: string;
    let api: Api;
    beforeAll(async () => {
      const port = await freePort();
      base = `http://127.0.0.1:${port}`;
      service = await openService({ PUBLIC_URL: base, TRUST_PROXY: '1' });
      nginx = await startNginx(port, `${compression} ${locationTo(service.broker.url)}`);
      api = service.as(service.stack.adminKey(), base);
    });
    afterAll(async () => {
      await nginx?.stop();
      await service?.close();
    });
    const through = () => ({ ...service, api });

    test('a connection is created, authorized, fetched, edited and deleted', async () => {
      const connection = await addConnection(through(), { organization: 'a.b:c@d-e_f' });
      const page = await connect(through(), connection, 'ada');
      expect(page.hops.at(-1)?.url?.origin ?? base).toBe(base);
      const options = { organization: connection.organization };
      expect((await api.get(connection.credential, options)).body.access_token).toMatch(/./);
      expect((await api.post(`${connection.path}/refresh`, undefined, options)).status).toBe(200);
      expect((await api.get('/connections?limit=1&q=%26%2B%25', options)).status).toBe(200);
      expect((await api.delete(connection.path, options)).status).toBe(200);
    });

    test('the ETag that nginx weakened is taken by PATCH and PUT, and an old one is not', async () => {
      const connection = await addConnection(through());
      const { headers } = await api.get(connection.path, { headers: { 'accept-encoding': 'gzip' } });
      const tag = headers.get('etag') ?? '';
      expect([headers.get('content-encoding'), tag.slice(0, 3)]).toEqual(['gzip', 'W/"']);
      const edit = (match: string) =>
        api.patch(connection.path, { description: match }, { headers: { 'if-match': match } });
      expect((await edit(tag)).status).toBe(200);
      expect((await edit(tag)).status).toBe(412);
      const second = (await api.get(connection.path)).headers.get('etag') ?? '';
      const { endpoints } = service.provider;
      const body = {
        client_id: connection.clientId,
        authorization_url: endpoints.authorization,
        token_url: endpoints.token,
      };
      expect((await api.call('PUT', connection.path, { body, headers: { 'if-match': second } })).status).toBe(200);
    });

    test('a callback finishes once, in its browser only, and form_post reaches the same route', async () => {
      const connection = await addConnection(through());
      const { browser, callback } = await walkToCallback(await startAuthorization(through(), connection));
      expect((await createBrowser().send('GET', callback)).status).toBe(400);
      const posted = await fetch(new URL(callback.pathname, base), { method: 'POST', body: callback.searchParams });
      expect([posted.status, posted.headers.get('content-type')]).toEqual([400, 'text/html; charset=utf-8']);
      expect((await browser.send('GET', callback)).body).toContain('Connected');
    });

    test('HEAD, OPTIONS, slashes and refusals are those of the service', async () => {
      const connection = await addConnection(through());
      const call = (method: string, path: string, headers: Record<string, string> = {}) => {
        const authorization = `Bearer ${service.stack.adminKey()}`;
        return fetch(`${base}${path}`, { method, headers: { authorization, ...headers } });
      };
      for (const path of [connection.path, '/health', '/connections'])
        expect((await call('HEAD', path)).status).toBe(200);
      const options = await call('OPTIONS', '/connections');
      expect([options.status, options.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST']);
      expect((await call('GET', `${connection.path}/`)).status).toBe(404);
      // nginx merges the slashes only when it forwards a path of its own.
      expect([200, 404]).toContain((await call('GET', `/${connection.path}`)).status);
      expect((await call('POST', '/connections', { 'content-encoding': 'gzip' })).status).toBe(400);
      const gzip = await fetch(`${base}/connections`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${service.stack.adminKey()}`,
          'content-type': 'application/json',
          'content-encoding': 'gzip',
        },
        body: '{}',
      });
      expect([gzip.status, gzip.headers.get('accept-encoding')]).toEqual([415, 'identity']);
    });

    test('the client is the sender of the last hop, without its port, whatever it writes itself', async () => {
      const connection = await addConnection(through());
      const authorization = await walkToCallback(await startAuthorization(through(), connection));
      const cookie = authorization.browser.cookies.header(authorization.callback);
      const forged = '198.51.100.1, 203.0.113.7:1, unknown,';
      expect(await getFrom('127.0.0.5', authorization.callback, { cookie, 'x-forwarded-for': forged })).toContain(
        'Connected',
      );
      expect(await addressesOf(connection)).toContain('127.0.0.5');
      expect(await addressesOf(connection)).not.toContain('198.51.100.1');
    });

    async function addressesOf({ name }: TestConnection): Promise<unknown[]> {
      const client = new Client({ connectionString: service.stack.env.DATABASE_URL });
      await client.connect();
      const events = 'select distinct address from audit_events where connection_name = $1';
      const { rows } = await client.query(events, [name]).finally(() => client.end());
      return rows.map(({ address }) => address);
    }
  });
}

/** Sends a request from an address of the loopback network. */
async function getFrom(localAddress: string, url: URL, headers: Record<string, string>): Promise<string> {
  const sent = request(url, { localAddress, headers }).end();
  const [response] = await once(sent, 'response');
  return text(response);
}
