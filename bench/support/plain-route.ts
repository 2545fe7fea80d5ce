import { type Fork, fork } from './fork.ts';

export interface PlainRouteOptions {
  answer: object;
}

export interface PlainRoute {
  url: string;
}

/** A Fastify process whose `/credentials/:name` has nothing to do but to send the one answer it was given, as JSON. */
export function startPlainRoute(answer: object): Promise<Fork<PlainRoute>> {
  return fork<PlainRoute>('plain-route-process.ts', { answer } satisfies PlainRouteOptions);
}
