import { z } from 'zod';
import type { ApiAnswer } from '../support/broker-api.ts';

interface Operation {
  requestBody?: { content: Record<string, { schema: JsonSchema }> };
  responses: Record<string, { content?: Record<string, { schema: JsonSchema }> }>;
}

type JsonSchema = Record<string, unknown>;

export interface OpenApi {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, JsonSchema> };
}

/** What an answer does that its document does not say; empty where it keeps to it. */
export type CheckAnswer = (method: string, path: string, answer: ApiAnswer) => string[];

const problemType = 'application/problem+json';
const waiting = ['rate_limited', 'provider_unavailable', 'service_unavailable'];

/** Holds every answer against the service's own document: status, media type, and the body with every member named. */
export function createAnswerCheck(document: OpenApi): CheckAnswer {
  const schemas = new Map<JsonSchema, z.ZodType>();
  const schemaOf = (schema: JsonSchema) => {
    const known = schemas.get(schema) ?? z.fromJSONSchema(closed(document, schema));
    schemas.set(schema, known);
    return known;
  };
  return (method, path, answer) => {
    const operation = operationOf(document, method, path);
    const faults = [...commonFaults(answer), ...(isProblem(answer) ? problemFaults(answer) : [])];
    if (operation === undefined)
      return answer.status === 404 && answer.body.code === 'not_found' ? faults : [...faults, 'an undeclared route'];
    const declared = operation.responses[String(answer.status)];
    if (declared === undefined) return [...faults, `the status ${answer.status} is not declared`];
    const mediaType = answer.headers.get('content-type')?.split(';')[0] ?? '';
    const content = declared.content?.[mediaType];
    if (content === undefined) return answer.text === '' ? faults : [...faults, `undeclared ${mediaType}`];
    if (!mediaType.endsWith('json')) return faults;
    const parsed = schemaOf(content.schema).safeParse(answer.body);
    return parsed.success ? faults : [...faults, z.prettifyError(parsed.error)];
  };
}

export const isProblem = ({ headers }: ApiAnswer) => headers.get('content-type')?.startsWith(problemType) === true;

function commonFaults({ status, headers, text }: ApiAnswer): string[] {
  return [
    ...(headers.get('x-request-id') ? [] : ['no X-Request-Id']),
    ...(headers.get('cache-control') === 'no-store' ? [] : ['may be stored']),
    ...(status === 204 && text !== '' ? ['a body with 204'] : []),
  ];
}

/** RFC 9457 and what the contract adds to it. */
function problemFaults({ status, headers, body }: ApiAnswer): string[] {
  const texts = ['type', 'title', 'detail', 'instance', 'code'].filter(
    (member) => typeof body[member] !== 'string' || body[member] === '',
  );
  const retryAfter = headers.get('retry-after');
  return [
    ...texts.map((member) => `no ${member}`),
    ...(headers.get('content-type') === problemType ? [] : ['another media type than that of problems']),
    ...(Number(body.status) === status ? [] : ['another status in the body']),
    ...(body.instance === headers.get('x-request-id') ? [] : ['another request id in the body']),
    ...(/^[a-z_]+$/.test(body.code) ? [] : ['a code that is not snake case']),
    ...(waiting.includes(body.code) && !/^[1-9]\d*$/.test(retryAfter ?? '') ? ['no Retry-After'] : []),
    ...(retryAfter === null || Number(retryAfter) === body.retry_after ? [] : ['another retry_after in the body']),
    ...(status === 401 && !headers.get('www-authenticate')?.startsWith('Bearer') ? ['no WWW-Authenticate'] : []),
    ...(status !== 400 || body.code !== 'invalid_request' || hasFaults(body.errors) ? [] : ['no list of errors']),
  ];
}

function hasFaults(errors: unknown): boolean {
  return z
    .array(z.strictObject({ path: z.string(), message: z.string().min(1) }))
    .min(1)
    .safeParse(errors).success;
}

function operationOf({ paths }: OpenApi, method: string, target: string): Operation | undefined {
  const [path = ''] = target.split('?');
  const segments = path.split('/');
  const fits = (pattern: string) => {
    const parts = pattern.split('/');
    return parts.length === segments.length && parts.every((part, at) => part.startsWith('{') || part === segments[at]);
  };
  const found = Object.entries(paths).find(
    ([pattern, operations]) => fits(pattern) && method.toLowerCase() in operations,
  );
  return found?.[1][method.toLowerCase()];
}

/** The schema with its components, where an object has the members it names and no others. */
function closed({ components }: OpenApi, schema: JsonSchema): JsonSchema {
  // zod reads uri-reference as an absolute URL.
  const text = JSON.stringify({ ...schema, $defs: components.schemas }).replaceAll(',"format":"uri-reference"', '');
  return JSON.parse(text.replaceAll('#/components/schemas/', '#/$defs/'), (_key, member: unknown) =>
    isOpenObject(member) ? { ...member, additionalProperties: false } : member,
  ) as JsonSchema;
}

function isOpenObject(schema: unknown): schema is JsonSchema {
  if (typeof schema !== 'object' || schema === null) return false;
  return 'properties' in schema && 'type' in schema && !('additionalProperties' in schema);
}
