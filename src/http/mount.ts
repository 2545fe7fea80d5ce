import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { Actor, Caller, Trace } from '../domain/caller.ts';
import { BrokerError, type Fault, invalidRequest } from '../domain/errors.ts';
import type { Declaration } from './declaration.ts';
import { explain, faultsOf } from './faults.ts';
import { traceOf } from './trace.ts';

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

export type Handler<D extends Declaration> = (call: Call<D>, reply: FastifyReply) => Promise<unknown>;

/** Registers a route of the contract: the only way to one, so that none exists without a declared access. */
export function mount<D extends Declaration>(app: FastifyInstance, declaration: D, handler: Handler<D>): void {
  const status = Number(Object.keys(declaration.answers).find((code) => code.startsWith('2')) ?? 200);
  const headerNames = Object.keys(declaration.headers?.shape ?? {}).map((name) => [name, name.toLowerCase()] as const);
  app.route({
    method: declaration.method,
    url: declaration.path.replace(/\{(\w+)\}/g, ':$1'),
    config: { declaration },
    handler: async (request, reply) => {
      const call = readCall(declaration, headerNames, request);
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

/** Throws one invalid_request with the faults of every part of the request. */
function readCall(
  declaration: Declaration,
  headerNames: (readonly [string, string])[],
  request: FastifyRequest,
): object {
  requireMediaType(declaration, request);
  const faults: Fault[] = [];
  const read = (schema: z.ZodType | undefined, value: () => unknown, at: string): unknown => {
    if (schema === undefined) return {};
    const parsed = schema.safeParse(value(), { error: explain });
    if (!parsed.success) faults.push(...faultsOf(parsed.error.issues, at));
    return parsed.data;
  };
  const call = {
    actor: request.actor,
    caller: request.caller,
    params: read(declaration.params, () => request.params, 'path'),
    query: read(declaration.query, () => request.query, 'query'),
    headers: read(
      declaration.headers,
      () => Object.fromEntries(headerNames.map(([name, lower]) => [name, request.headers[lower]])),
      'header',
    ),
    body: read(declaration.body, () => (request.body === undefined ? {} : request.body), ''),
    trace: traceOf(request),
    request,
  };
  const [first, ...others] = faults;
  if (first !== undefined) throw invalidRequest(first, ...others.slice(0, maxFaults));
  return call;
}

/** A body can hold more faults than anybody reads; an answer may not grow with it. */
const maxFaults = 100;

function requireMediaType(declaration: Declaration, request: FastifyRequest): void {
  const mediaType = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (declaration.body === undefined || mediaType === undefined || mediaType === 'application/json') return;
  if (request.body === undefined || declaration.mediaTypes?.includes(mediaType)) return;
  throw BrokerError.of('unsupported_media_type', 'This route takes application/json.');
}
