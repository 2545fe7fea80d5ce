import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBrowser } from '../support/browser/browser.ts';
import { type Api, createApi } from '../support/http/broker-api.ts';
import { describeWithNginx, type Nginx, startNginx } from '../support/http/nginx.ts';
import { freePort } from '../support/processes/free-port.ts';
import { addConnection, startAuthorization, walkToCallback } from './connections.ts';
import { openEmbedded } from './stack.ts';
import { openWorld, type World } from './world.ts';

interface Proxied {
  title: string;
  /** Path of PUBLIC_URL. */
  publicPath: string;
  basePath: string;
  /** Path that people see, and the part of the service's URL that the proxy adds for it. */
  location: string;
  target: string;
}

const cases: Proxied[] = [
  { title: 'strips the prefix', publicPath: '/broker', basePath: '', location: '/broker/', target: '/' },
  { title: 'keeps the prefix', publicPath: '', basePath: '/broker', location: '/broker/', target: '' },
  { title: 'strips a part of it', publicPath: '/tools', basePath: '/broker', location: '/tools/', target: '/' },
];

for (const { title, publicPath, basePath, location, target } of cases) {
  describeWithNginx(`a proxy that ${title}`, () => {
    let world: World;
    let nginx: Nginx;
    let api: Api;
    let base: string;
    const prefix = `${publicPath}${basePath}`;
    beforeAll(async () => {
      const port = await freePort();
      base = `http://127.0.0.1:${port}${prefix}`;
      const publicUrl = `http://127.0.0.1:${port}${publicPath}`;
      world = await openWorld(openEmbedded, { PUBLIC_URL: publicUrl, BASE_PATH: basePath });
      const headers = 'proxy_set_header Host $host; proxy_buffering off;';
      nginx = await startNginx(port, `location ${location} { proxy_pass ${world.broker.url}${target}; ${headers} }`);
      api = createApi(base, world.stack.adminKey());
    });
    afterAll(async () => {
      await nginx?.stop();
      await world?.close();
    });

    test('links, redirect URIs, Location and the documents carry the public path, and each can be followed', async () => {
      const through = { ...world, api };
      const connection = await addConnection(through);
      const created = await api.get(connection.path);
      expect(created.body.redirect_uri).toBe(`${base}/callback/${connection.name}`);
      const copy = await api.post('/connections', {
        ...requestOf(created.body),
        connection_name: `${connection.name}-copy`,
      });
      expect(copy, copy.text).toMatchObject({ status: 201 });
      const followed = new URL(copy.headers.get('location') ?? '', base);
      expect(followed.href).toBe(`${base}/connections/${connection.name}-copy`);
      expect((await api.get(followed.pathname.slice(prefix.length))).status).toBe(200);

      const missing = await api.get('/connections/none');
      expect(missing).toMatchObject({ status: 404, body: { type: `${prefix}/docs#connection_not_found` } });
      expect((await fetch(new URL(String(missing.body.type), base))).status).toBe(200);
      const document = (await (await fetch(`${base}/openapi.json`)).json()) as { servers: { url: string }[] };
      expect(document.servers.map(({ url }) => url)).toEqual([prefix]);
      for (const route of ['/health', '/livez', '/readyz']) {
        expect((await fetch(`${base}${route}`, { method: 'HEAD' })).status).toBe(200);
      }
    });

    test('a person authorizes through the proxy, and every cookie reaches the callback', async () => {
      const through = { ...world, api };
      const connection = await addConnection(through);
      const authorization = await startAuthorization(through, connection);
      expect(authorization.link).toBe(`${base}/authorize/${authorization.state}`);
      const { browser, callback } = await walkToCallback(authorization, { login: 'ada' });
      expect(callback.href.startsWith(`${base}/callback/${connection.name}?`)).toBe(true);
      expect((await browser.send('GET', callback)).status).toBe(200);
      expect((await api.get(connection.credential)).status).toBe(200);
      expect((await createBrowser().send('GET', callback)).status).toBe(400);
    });

    test('a callback of an authorization that began under another public path is refused', {
      timeout: 90_000,
    }, async () => {
      const through = { ...world, api };
      const connection = await addConnection(through);
      const authorization = await startAuthorization(through, connection);
      const { browser, callback } = await walkToCallback(authorization, { login: 'ada' });
      await world.restart({ PUBLIC_URL: `${new URL(base).origin}/moved` });
      const page = await browser.send('GET', callback);
      expect(page.status).toBe(400);
      expect(page.body).toContain(`/moved${basePath}/callback/`);
    });
  });
}

/** Returns the writable members of a connection that its copy needs. */
function requestOf({ client_id, authorization_url, token_url }: Record<string, unknown>) {
  return { client_id, client_secret: 'another-secret', authorization_url, token_url };
}
