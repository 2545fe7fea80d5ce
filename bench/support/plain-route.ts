import { type Fork, fork } from './fork.ts';

export interface PlainRouteOptions {
  response: object;
}

export interface PlainRoute {
  url: string;
}

/** Starts a Fastify process whose only route, `/credentials/:name`, sends `response` as JSON. */
export function startPlainRoute(response: object): Promise<Fork<PlainRoute>> {
  return fork<PlainRoute>('plain-route-process.ts', { response } satisfies PlainRouteOptions);
}
