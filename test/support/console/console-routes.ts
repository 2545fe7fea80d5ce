import fastify from 'fastify';
import { type ConsoleDeps, createConsole } from '../../../src/console/console.ts';
import type { ConsoleHost } from '../../../src/console/server/host.ts';
import type { PageAccess } from '../../../src/console/server/page-route.ts';

export interface ConsoleRoute {
  method: string;
  /** As it was declared, from /console on. */
  path: string;
  /** Null for a route that needs no session. */
  access: PageAccess | null;
}

interface RouteConfig {
  page?: string;
  pageAccess?: PageAccess;
}

/** Lists every route that the console registers, by registering it. Calls no use case. A new page is listed by itself. */
export async function consoleRoutes(): Promise<ConsoleRoute[]> {
  const routes: ConsoleRoute[] = [];
  const app = fastify({ exposeHeadRoutes: false });
  app.addHook('onRoute', ({ method, url, config }) => {
    const { page, pageAccess = null } = (config ?? {}) as RouteConfig;
    if (page === undefined) throw new Error(`the route ${url} is not declared`);
    for (const each of [method].flat()) routes.push({ method: each, path: page, access: pageAccess });
  });
  await app.register(
    (scope) => createConsole(hollow<ConsoleDeps>({ isHttps: false }))(scope, hollow<ConsoleHost>({})),
    {
      prefix: '/console',
    },
  );
  await app.ready();
  await app.close();
  return routes;
}

/** Stands for parts that a registration only hands on: every member is there, and can be called. */
function hollow<T extends object>(members: object): T {
  const part: object = new Proxy(() => part, {
    get: (_target, name) => Object.entries(members).find(([known]) => known === name)?.[1] ?? part,
    apply: () => part,
  });
  return part as T;
}

/** Names of the scene that stand for the parameters of a path. */
export interface Places {
  name: string;
  grantId: string;
  keyId: string;
  workflowId: string;
  dataKeyId: string;
  /** Identifier of anything else. */
  other: string;
}

/** Address of a route, with its organisation. */
export function addressOf({ path }: Pick<ConsoleRoute, 'path'>, places: Places, organization?: string): string {
  const address = path.replace(/\{(\w+)\}/g, (_text, name: string) => encodeURIComponent(placeOf(path, name, places)));
  return organization === undefined ? address : `${address}?${new URLSearchParams({ organization })}`;
}

function placeOf(path: string, parameter: string, places: Places): string {
  if (parameter === 'name') return places.name;
  if (parameter === 'grant_id') return places.grantId;
  if (path.startsWith('/console/api-keys/')) return places.keyId;
  if (path.startsWith('/console/workflows/')) return places.workflowId;
  if (path.startsWith('/console/providers/')) return 'google';
  if (path.startsWith('/console/encryption/')) return places.dataKeyId;
  return places.other;
}
