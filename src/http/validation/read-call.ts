import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { BrokerError, type Fault, invalidRequest } from '../../domain/errors.ts';
import type { Declaration } from '../declaration.ts';
import { traceOf } from '../trace.ts';
import { explain, faultsOf } from './faults.ts';
import { encodingFault, isWellEncoded } from './percent-encoding.ts';
import { queryOf, withQuerySelectors } from './query-selectors.ts';

/** Validates a request by its declaration. Throws one invalid_request with the faults of every part of the request. */
export function createReadCall(declaration: Declaration): (request: FastifyRequest) => object {
  const { query, body } = strictParts(declaration);
  const readParams = createReadPart(declaration.params, 'path');
  const readQuery = createReadPart(query, 'query');
  const readHeaders = createReadPart(declaration.headers, 'header');
  const readBody = createReadPart(body, '');
  const selectHeaders = createSelectHeaders(declaration.headers);
  return (request) => {
    requireMediaType(declaration, request);
    const faults: Fault[] = [];
    if (!hasReadableQuery(declaration, request)) faults.push({ path: 'query', message: encodingFault });
    const selected = readQuery(request.query, faults);
    // An absent body counts as {}; a JSON null is a body, and is not an object.
    const sent = request.body === undefined ? {} : request.body;
    const call = {
      actor: request.actor,
      caller: request.caller,
      params: readParams(request.params, faults),
      query: selected,
      headers: readHeaders(selectHeaders(request.headers), faults),
      body: readBody(withQuerySelectors(declaration, selected, sent, faults), faults),
      trace: request.actor?.trace ?? traceOf(request),
      request,
    };
    const [first, ...others] = faults;
    if (first !== undefined) throw invalidRequest(first, ...others.slice(0, maxFaults));
    return call;
  };
}

/** Faults listed in one response. A body can hold thousands; the response must not grow with it. */
const maxFaults = 100;

type ReadPart = (value: unknown, faults: Fault[]) => unknown;

/**
 * Reads one part of a request. The result for an empty part is computed once, since most requests send no query and no
 * body: 6 % of the processor time of a fetch from memory.
 */
function createReadPart(schema: z.ZodType | undefined, at: string): ReadPart {
  if (schema === undefined) return () => ({});
  const names = namesOf(schema);
  const ofNothing = schema.safeParse({});
  if (ofNothing.success) Object.freeze(ofNothing.data);
  return (value, faults) => {
    if (ofNothing.success && isEmpty(value)) return ofNothing.data;
    const parsed = schema.safeParse(value, { error: explain });
    if (!parsed.success) faults.push(...faultsOf(parsed.error.issues, at, names));
    return parsed.data;
  };
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
}

/**
 * Returns the schemas of query and body that refuse unknown names. Browser routes take any: providers add parameters of
 * their own to the authorization response (RFC 6749 §4.1.2).
 */
function strictParts(declaration: Declaration): Pick<Declaration, 'query' | 'body'> {
  if (declaration.tag === 'Browser') return {};
  return {
    query: z.strictObject(queryOf(declaration)?.shape ?? {}),
    // A stream of lines is validated line by line while it is read.
    ...(declaration.lines === undefined && { body: declaration.body ?? z.strictObject({}) }),
  };
}

function namesOf(schema: z.ZodType): string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/**
 * Picks the declared headers that the request has, and gives them the spelling of the declaration; Node has lower-cased
 * their names.
 */
function createSelectHeaders(schema: z.ZodObject | undefined): (headers: FastifyRequest['headers']) => object {
  if (schema === undefined) return () => ({});
  const names = Object.keys(schema.shape).map((name) => [name, name.toLowerCase()] as const);
  return (headers) => {
    const selected: Record<string, string | string[]> = {};
    for (const [name, key] of names) {
      const value = headers[key];
      if (value !== undefined) selected[name] = value;
    }
    return selected;
  };
}

/** Browser routes decide for each parameter: providers write some of them. */
function hasReadableQuery({ tag }: Declaration, { raw: { url = '' } }: FastifyRequest): boolean {
  const at = url.indexOf('?');
  return tag === 'Browser' || at < 0 || isWellEncoded(url.slice(at));
}

function requireMediaType(declaration: Declaration, request: FastifyRequest): void {
  if (declaration.body === undefined) return;
  const mediaType = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (mediaType === undefined || mediaType === 'application/json') return;
  if (request.body === undefined || declaration.mediaTypes?.includes(mediaType)) return;
  throw BrokerError.of('unsupported_media_type', 'This route takes application/json.');
}
