import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { Actor, Caller, Trace } from '../domain/caller.ts';
import type { Declaration } from './declaration.ts';
import { createReadCall } from './read-call.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    declaration?: Declaration;
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
  : D['access']['for'] extends 'caller'
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

/** Text is sent as it is, under the media type that the handler gives. */
export type Handler<D extends Declaration> = (call: Call<D>, reply: FastifyReply) => Promise<unknown> | string;

/** Registers a route of the contract: the only way to one, so that none exists without a declared access. */
export function mount<D extends Declaration>(app: FastifyInstance, declaration: D, handler: Handler<D>): void {
  const status = Number(Object.keys(declaration.answers).find((code) => code.startsWith('2')) ?? 200);
  const readCall = createReadCall(declaration);
  app.route({
    method: declaration.method,
    url: declaration.path.replace(/\{(\w+)\}/g, ':$1'),
    config: { declaration },
    handler: (request, reply) => {
      const call = readCall(request);
      reply.code(status);
      return handler(call as Call<D>, reply);
    },
  });
}

/** A route that went past `mount` has no declared access: the server does not start with one. */
export function refuseUndeclaredRoutes(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    if (route.config?.declaration === undefined)
      throw new Error(`The route ${String(route.method)} ${route.url} is not declared.`);
  });
}
