import type { FastifyInstance, FastifyRequest } from 'fastify';

/** Returns the methods of every route that has the path of a request; empty for an unknown path. */
export type AllowedMethods = (request: FastifyRequest) => string[];

/** Collects the routes as they are registered. Must be called before the first route. */
export function collectAllowedMethods(app: FastifyInstance): AllowedMethods {
  const methods = new Map<string, { pattern: RegExp; names: Set<string> }>();
  app.addHook('onRoute', ({ url, method }) => {
    const known = methods.get(url) ?? { pattern: patternOf(url), names: new Set<string>() };
    for (const name of [method].flat()) known.names.add(name);
    methods.set(url, known);
  });
  return (request) => {
    const [path = ''] = (request.raw.url ?? '').split('?', 1);
    const fitting = [...methods.values()].filter(({ pattern }) => pattern.test(path));
    return [...new Set(fitting.flatMap(({ names }) => [...names]))].toSorted();
  };
}

function patternOf(url: string): RegExp {
  const segments = url
    .split('/')
    .map((segment) => (segment.startsWith(':') ? '[^/]+' : segment.replaceAll('.', '\\.')));
  return new RegExp(`^${segments.join('/')}$`);
}
