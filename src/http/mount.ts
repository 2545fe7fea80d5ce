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

/** What it makes throws one invalid_request with the faults of every part of the request. */
function createReadCall(declaration: Declaration): (request: FastifyRequest) => object {
  const readParams = createReadMembers(declaration.params, 'path');
  const readQuery = createReadMembers(declaration.query, 'query');
  const readHeaders = createReadMembers(declaration.headers, 'header');
  const readBody = createReadBody(declaration.body);
  const headerNames = Object.keys(declaration.headers?.shape ?? {}).map((name) => [name, name.toLowerCase()] as const);
  return (request) => {
    requireMediaType(declaration, request);
    const faults: Fault[] = [];
    const call = {
      actor: request.actor,
      caller: request.caller,
      params: readParams(request.params, faults),
      query: readQuery(request.query, faults),
      headers: readHeaders(namedHeaders(headerNames, request), faults),
      body: readBody(request.body === undefined ? {} : request.body, faults),
      trace: request.actor?.trace ?? traceOf(request),
      request,
    };
    const [first, ...others] = faults;
    if (first !== undefined) throw invalidRequest(first, ...others.slice(0, maxFaults));
    return call;
  };
}

/** Only those that are there. */
function namedHeaders(names: (readonly [string, string])[], { headers }: FastifyRequest): object {
  const named: Record<string, unknown> = {};
  for (const [name, lower] of names) {
    if (headers[lower] !== undefined) named[name] = headers[lower];
  }
  return named;
}

type ReadPart = (value: unknown, faults: Fault[]) => unknown;

function createReadBody(schema: z.ZodType | undefined): ReadPart {
  if (schema === undefined) return () => ({});
  return (value, faults) => {
    const parsed = schema.safeParse(value, { error: explain });
    if (!parsed.success) faults.push(...faultsOf(parsed.error.issues, ''));
    return parsed.data;
  };
}

/**
 * Member by member: most requests leave out all that they may, and what becomes of a member that is not there is the same
 * every time. What the schema says of the members together is not asked: a declaration that says anything does not start.
 */
function createReadMembers(schema: z.ZodObject | undefined, at: string): ReadPart {
  if ((schema?.def.checks ?? []).length > 0)
    throw new Error(`The ${at} of a route may be checked member by member only.`);
  const members = Object.entries<z.ZodType>(schema?.shape ?? {}).map(([name, member]) => {
    const { success, data } = member.safeParse(undefined);
    return { name, member, mayBeAbsent: success, whenAbsent: Array.isArray(data) ? Object.freeze(data) : data };
  });
  return (value, faults) => {
    const given = value as Record<string, unknown>;
    const read: Record<string, unknown> = {};
    for (const { name, member, mayBeAbsent, whenAbsent } of members) {
      if (given[name] === undefined && mayBeAbsent) {
        if (whenAbsent !== undefined) read[name] = whenAbsent;
        continue;
      }
      const parsed = member.safeParse(given[name], { error: explain });
      if (parsed.success) read[name] = parsed.data;
      else faults.push(...faultsOf(parsed.error.issues, `${at}.${name}`));
    }
    return read;
  };
}

/** A body can hold more faults than anybody reads; an answer may not grow with it. */
const maxFaults = 100;

function requireMediaType(declaration: Declaration, request: FastifyRequest): void {
  const mediaType = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (declaration.body === undefined || mediaType === undefined || mediaType === 'application/json') return;
  if (request.body === undefined || declaration.mediaTypes?.includes(mediaType)) return;
  throw BrokerError.of('unsupported_media_type', 'This route takes application/json.');
}
