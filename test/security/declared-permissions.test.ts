import { afterAll, beforeAll, expect, test } from 'vitest';
import { permissions } from '../../src/domain/callers/caller.ts';
import { contract } from '../../src/http/contract/contract.ts';
import type { Declaration } from '../../src/http/declaration.ts';
import { admin, createHttpFixture, type HttpFixture } from '../support/http/server-fixture.ts';

/** Paths of the contract that need no caller. Every other route must declare a permission. */
const publicPaths = [
  '/authorize/:state',
  '/callback/:name',
  '/callback/:organization_id/:name',
  '/docs',
  '/health',
  '/livez',
  '/openapi.json',
  '/readyz',
];

interface Route {
  method: string;
  url: string;
  declaration: Declaration | undefined;
}

let fixture: HttpFixture;
let routes: Route[];
beforeAll(async () => {
  fixture = await createHttpFixture({
    authenticateCaller: async (bearer) => ({ ...admin, permissions: JSON.parse(bearer.reveal()) }),
  });
  routes = registeredRoutes(fixture);
});
afterAll(() => fixture?.app.close());

/** Reads the routes from the router itself: one that was registered past the contract would be among them. */
function registeredRoutes({ app }: HttpFixture): Route[] {
  const found: Route[] = [];
  const ancestors: string[] = [];
  const declared = new Map(contract.map((one) => [`${one.method} ${one.path.replace(/\{(\w+)\}/g, ':$1')}`, one]));
  for (const line of app.printRoutes({ commonPrefix: false }).split('\n')) {
    const [, indent = '', segment = '', methods] = /^((?:[│├└─]|\s)*)(\S+)(?: \(([A-Z, ]+)\))?$/.exec(line) ?? [];
    if (segment === '') continue;
    ancestors.length = indent.length / 4 - 1;
    ancestors.push(segment);
    const url = ancestors.join('');
    for (const method of methods?.split(', ') ?? []) {
      const name = method === 'HEAD' ? 'GET' : method;
      const known = namingsOf(url).find((one) => declared.has(`${name} ${one}`));
      found.push({ method, url: known ?? url, declaration: declared.get(`${name} ${known}`) });
    }
  }
  return found;
}

/** The router joins the names of a parameter that two paths have in one place: `:name|:organization_id`. */
function namingsOf(url: string): string[] {
  return url
    .split('/')
    .map((segment) => segment.split('|'))
    .reduce<string[]>((paths, names) => paths.flatMap((path) => names.map((name) => `${path}/${name}`)), [''])
    .map((path) => path.slice(1));
}

test('the walk sees the routes of every resource', () => {
  expect(routes.length).toBeGreaterThan(50);
  expect(routes.map(({ method, url }) => `${method} ${url}`)).toEqual(
    expect.arrayContaining([
      'GET /credentials/:name',
      'POST /admin/api-keys',
      'DELETE /admin/api-keys/:id',
      'GET /metrics',
      'HEAD /connections',
    ]),
  );
});

test('every registered route declares a permission, except the public paths', () => {
  for (const { method, url, declaration } of routes) {
    const access = declaration?.access;
    const declared = access === undefined ? [] : access.for === 'public' ? ['public'] : [access.permission].flat();
    if (publicPaths.includes(url)) expect(declared, `${method} ${url}`).toEqual(['public']);
    else {
      expect(declared.length, `${method} ${url}`).toBeGreaterThan(0);
      expect(permissions, `${method} ${url}`).toEqual(expect.arrayContaining(declared));
    }
  }
});

test('every route refuses a caller without a key, and one that lacks just its permission', async () => {
  for (const { method, url, declaration } of routes) {
    const access = declaration?.access;
    if (access === undefined || access.for === 'public') continue;
    const request = { method: method as 'GET', url: url.replace(/:\w+/g, 'crm') };
    expect((await fixture.app.inject(request)).statusCode, `${method} ${url} without a key`).toBe(401);
    const others = permissions.filter((one) => ![access.permission].flat().includes(one));
    const headers = { authorization: `Bearer ${JSON.stringify(others)}`, 'x-organization-id': 'acme' };
    expect((await fixture.app.inject({ ...request, headers })).statusCode, `${method} ${url}`).toBe(403);
  }
});
