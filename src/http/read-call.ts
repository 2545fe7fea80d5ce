import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { BrokerError, type Fault, invalidRequest } from '../domain/errors.ts';
import type { Declaration } from './declaration.ts';
import { explain, faultsOf } from './faults.ts';
import { plainForms } from './schemas/text.ts';
import { traceOf } from './trace.ts';

/** What it makes throws one invalid_request with the faults of every part of the request. */
export function createReadCall(declaration: Declaration): (request: FastifyRequest) => object {
  const readParams = createReadMembers(declaration.params, 'path');
  const readQuery = createReadMembers(declaration.query, 'query');
  const readHeaders = createReadMembers(declaration.headers, 'header');
  const readBody = createReadBody(declaration.body);
  return (request) => {
    requireMediaType(declaration, request);
    const faults: Fault[] = [];
    const call = {
      actor: request.actor,
      caller: request.caller,
      params: readParams(request.params, faults),
      query: readQuery(request.query, faults),
      headers: readHeaders(request.headers, faults),
      body: readBody(request.body === undefined ? {} : request.body, faults),
      trace: request.actor?.trace ?? traceOf(request),
      request,
    };
    if (hasFaults(faults)) throw refusalOf(faults);
    return call;
  };
}

/** A body can hold more faults than anybody reads; an answer may not grow with it. */
const maxFaults = 100;

type SomeFaults = [Fault, ...Fault[]];

function hasFaults(faults: Fault[]): faults is SomeFaults {
  return faults.length > 0;
}

function refusalOf([first, ...others]: SomeFaults): BrokerError {
  return invalidRequest(first, ...others.slice(0, maxFaults));
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
function createReadMembers(schema: z.ZodObject | undefined, at: 'path' | 'query' | 'header'): ReadPart {
  if ((schema?.def.checks ?? []).length > 0)
    throw new Error(`The ${at} of a route may be checked member by member only.`);
  const members = Object.entries<z.ZodType>(schema?.shape ?? {}).map(([name, member]) => {
    const key = at === 'header' ? name.toLowerCase() : name;
    return { name, key, ...createReadMember(member, `${at}.${name}`) };
  });
  return (value, faults) => {
    const given = value as Record<string, unknown>;
    const read: Record<string, unknown> = {};
    for (const { name, key, whenAbsent, readMember } of members) {
      const member = given[key];
      const found = member === undefined && whenAbsent !== undefined ? whenAbsent.data : readMember(member, faults);
      if (found !== undefined) read[name] = found;
    }
    return read;
  };
}

function createReadMember(schema: z.ZodType, path: string) {
  const absent = schema.safeParse(undefined);
  const form = plainForms.get(schema)?.form;
  return {
    whenAbsent: absent.success
      ? { data: Array.isArray(absent.data) ? Object.freeze(absent.data) : absent.data }
      : undefined,
    readMember(value: unknown, faults: Fault[]): unknown {
      if (form !== undefined && typeof value === 'string' && form.test(value)) return value;
      const parsed = schema.safeParse(value, { error: explain });
      if (!parsed.success) faults.push(...faultsOf(parsed.error.issues, path));
      return parsed.data;
    },
  };
}

function requireMediaType(declaration: Declaration, request: FastifyRequest): void {
  if (declaration.body === undefined) return;
  const mediaType = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (mediaType === undefined || mediaType === 'application/json') return;
  if (request.body === undefined || declaration.mediaTypes?.includes(mediaType)) return;
  throw BrokerError.of('unsupported_media_type', 'This route takes application/json.');
}
