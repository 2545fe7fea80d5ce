import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { Actor, Caller, Trace } from '../domain/callers/caller.ts';
import type { Declaration } from './declaration.ts';
import { createReadCall } from './validation/read-call.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    declaration?: Declaration;
    /** Path of a page that another layer serves, in the form of OpenAPI. That layer checks its access. */
    page?: string;
  }
  interface FastifyRequest {
    caller: Caller | null;
    actor: Actor | null;
    /** Code of the problem this request was answered with. */
    problemCode: string | null;
  }
}

type Output<D, K extends string> = D extends Record<K, infer S extends z.ZodType> ? z.output<S> : Record<never, never>;

type Identity<D extends Declaration> = D['access']['for'] extends 'organization'
  ? { actor: Actor }
  : D['access']['for'] extends 'caller' | 'installation'
    ? { caller: Caller }
    : Record<never, never>;

/** A request after authentication and validation. */
export type Call<D extends Declaration> = Identity<D> & {
  params: Output<D, 'params'>;
  query: Output<D, 'query'>;
  headers: Output<D, 'headers'>;
  body: Output<D, 'body'>;
  trace: Trace;
  request: FastifyRequest;
};

/** Returns the body of the response; objects are sent as JSON. */
export type Handler<D extends Declaration> = (call: Call<D>, reply: FastifyReply) => Promise<unknown>;

/** Registers a route of the contract, and HEAD beside GET. No other code registers routes, so each has a declared access. */
export function mount<D extends Declaration>(app: FastifyInstance, declaration: D, handler: Handler<D>): void {
  const status = Number(Object.keys(declaration.responses).find((code) => code.startsWith('2')) ?? 200);
  const readCall = createReadCall(declaration);
  const url = declaration.path.replace(/\{(\w+)\}/g, ':$1');
  const isPage = declaration.tag === 'Browser';
  app.route({
    method: declaration.method,
    url,
    config: { declaration },
    exposeHeadRoute: declaration.method === 'GET' && !isPage,
    handler: async (request, reply) => {
      const call = readCall(request);
      reply.code(status);
      return handler(call as Call<D>, reply);
    },
  });
  // Link scanners send HEAD. It must neither bind a browser nor consume a state, so it never reaches the handler.
  if (declaration.method === 'GET' && isPage) {
    app.route({
      method: 'HEAD',
      url,
      config: { declaration },
      handler: async (_request, reply) => reply.type('text/html; charset=utf-8').send(''),
    });
  }
}

/** Stops the start if a route was registered without `mount`: it would have no declared access. */
export function refuseUndeclaredRoutes(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    if (route.config?.declaration === undefined && route.config?.page === undefined)
      throw new Error(`The route ${String(route.method)} ${route.url} is not declared.`);
  });
}
