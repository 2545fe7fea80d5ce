import { z } from 'zod';
import type { ApiResponse } from '../support/http/broker-api.ts';

interface Operation {
  requestBody?: { content: Record<string, { schema: JsonSchema }> };
  responses: Record<string, { content?: Record<string, { schema: JsonSchema }> }>;
}

type JsonSchema = Record<string, unknown>;

export interface OpenApi {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, JsonSchema> };
}

/** Lists the differences between a response and its document. Empty if there are none. */
export type CheckResponse = (method: string, path: string, response: ApiResponse) => string[];

const problemType = 'application/problem+json';
const codesWithRetryAfter = ['rate_limited', 'provider_unavailable', 'service_unavailable'];

/** Creates the check of responses against the service's own document: status, media type, and every member of the body. */
export function createResponseCheck(document: OpenApi): CheckResponse {
  const schemas = new Map<JsonSchema, z.ZodType>();
  const schemaOf = (schema: JsonSchema) => {
    const known = schemas.get(schema) ?? z.fromJSONSchema(closed(document, schema));
    schemas.set(schema, known);
    return known;
  };
  return (method, path, response) => {
    const operation = operationOf(document, method, path);
    const faults = [...commonFaults(response), ...(isProblem(response) ? problemFaults(response) : [])];
    if (operation === undefined)
      return ['404 not_found', '405 method_not_allowed'].includes(`${response.status} ${response.body.code}`)
        ? faults
        : [...faults, 'an undeclared route'];
    const declared = operation.responses[String(response.status)];
    if (declared === undefined) return [...faults, `the status ${response.status} is not declared`];
    const mediaType = response.headers.get('content-type')?.split(';')[0] ?? '';
    const content = declared.content?.[mediaType];
    if (content === undefined) return response.text === '' ? faults : [...faults, `undeclared ${mediaType}`];
    const schema = schemaOf(content.schema);
    return [...faults, ...jsonValuesOf(mediaType, response).flatMap((value) => schemaFaults(schema, value))];
  };
}

export const isProblem = ({ headers }: ApiResponse) => headers.get('content-type')?.startsWith(problemType) === true;

/** Returns the values that the document's schema describes: each line of NDJSON, the body of other JSON, else none. */
function jsonValuesOf(mediaType: string, { text, body }: ApiResponse): unknown[] {
  if (mediaType === 'application/x-ndjson')
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  return mediaType.endsWith('json') ? [body] : [];
}

function schemaFaults(schema: z.ZodType, value: unknown): string[] {
  const parsed = schema.safeParse(value);
  return parsed.success ? [] : [z.prettifyError(parsed.error)];
}

function commonFaults({ status, headers, text }: ApiResponse): string[] {
  return [
    ...(headers.get('x-request-id') ? [] : ['no X-Request-Id']),
    ...(headers.get('cache-control') === 'no-store' ? [] : ['no Cache-Control: no-store']),
    ...(status === 204 && text !== '' ? ['a body with 204'] : []),
  ];
}

/** Checks the members of RFC 9457 and the members and headers that the contract adds. */
function problemFaults({ status, headers, body }: ApiResponse): string[] {
  const texts = ['type', 'title', 'detail', 'instance', 'code'].filter(
    (member) => typeof body[member] !== 'string' || body[member] === '',
  );
  const retryAfter = headers.get('retry-after');
  return [
    ...texts.map((member) => `no ${member}`),
    ...(headers.get('content-type') === problemType ? [] : ['the media type is not that of problems']),
    ...(Number(body.status) === status ? [] : ['the status in the body differs']),
    ...(body.instance === headers.get('x-request-id') ? [] : ['the request id in the body differs']),
    ...(/^[a-z_]+$/.test(body.code) ? [] : ['a code that is not snake case']),
    ...(codesWithRetryAfter.includes(body.code) && !/^[1-9]\d*$/.test(retryAfter ?? '') ? ['no Retry-After'] : []),
    ...(retryAfter === null || Number(retryAfter) === body.retry_after ? [] : ['retry_after in the body differs']),
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
  const found = Object.entries(paths).filter(
    ([pattern, operations]) => fits(pattern) && method.toLowerCase() in operations,
  );
  // OpenAPI: a path without parameters comes before one with them.
  const [first] = found.toSorted(([a], [b]) => a.split('{').length - b.split('{').length);
  return first?.[1][method.toLowerCase()];
}

/** Returns the schema with its components. Objects refuse members that they do not name. */
function closed({ components }: OpenApi, schema: JsonSchema): JsonSchema {
  // zod reads the format uri-reference as an absolute URL, so the format is removed.
  const text = JSON.stringify({ ...schema, $defs: components.schemas }).replaceAll(',"format":"uri-reference"', '');
  return JSON.parse(text.replaceAll('#/components/schemas/', '#/$defs/'), (_key, member: unknown) =>
    isOpenObject(member) ? { ...member, additionalProperties: false } : member,
  ) as JsonSchema;
}

function isOpenObject(schema: unknown): schema is JsonSchema {
  if (typeof schema !== 'object' || schema === null) return false;
  return 'properties' in schema && 'type' in schema && !('additionalProperties' in schema);
}
