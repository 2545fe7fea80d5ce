import type { BrokerErrorCode } from '../../domain/errors.ts';
import type { Answer, Declaration } from '../declaration.ts';
import { problemMediaType, problems } from '../problem.ts';
import { problemSchemas } from '../schemas/problem.ts';
import type { JsonSchema, SchemaCollector } from './schema-collector.ts';

/** Every answer of a route, and every problem it can end in, by status. */
export function responsesOf(declaration: Declaration, collector: SchemaCollector): Record<string, JsonSchema> {
  const responses: Record<string, JsonSchema> = {};
  for (const [status, answer] of Object.entries(declaration.answers)) responses[status] = answered(answer, collector);
  const byStatus = Map.groupBy(problemsOf(declaration), (code) => problems[code].status);
  for (const [status, codes] of [...byStatus].sort(([a], [b]) => a - b)) {
    const schemas = codes.flatMap((code) => {
      const schema = problemSchemas.get(code);
      return schema === undefined ? [] : [collector.schemaOf(schema, 'output')];
    });
    const schema = schemas.length === 1 ? (schemas[0] ?? {}) : { oneOf: schemas };
    const known = responses[String(status)];
    const content = { ...(known?.content as object | undefined), [problemMediaType]: { schema } };
    const headers = headersFor(codes);
    responses[String(status)] = {
      description: [known?.description, ...codes.map((code) => `\`${code}\`: ${problems[code].title}.`)]
        .filter(Boolean)
        .join(' '),
      ...(Object.keys(headers).length === 0 ? {} : { headers }),
      content,
    };
  }
  return responses;
}

function answered(
  { description: text, schema, mediaType = 'application/json', headers, example }: Answer,
  collector: SchemaCollector,
): JsonSchema {
  return {
    description: text,
    ...(headers === undefined
      ? {}
      : {
          headers: Object.fromEntries(
            Object.entries(headers).map(([name, says]) => [name, { description: says, schema: { type: 'string' } }]),
          ),
        }),
    ...(schema === undefined
      ? {}
      : {
          content: {
            [mediaType]: {
              schema: collector.schemaOf(schema, 'output'),
              ...(example === undefined ? {} : { example }),
            },
          },
        }),
  };
}

/** Those declared and those that every route of its kind can end in. */
function problemsOf({
  access,
  problems: own,
  params,
  query,
  headers,
  body,
  tag,
  method,
}: Declaration): BrokerErrorCode[] {
  const codes = new Set<BrokerErrorCode>(own);
  // Of any other method a body is read before the route is asked whether it takes one.
  const mayHaveBody = method !== 'GET';
  if (access.for !== 'public' || params || query || headers || body) codes.add('invalid_request');
  if (access.for !== 'public') codes.add('unauthorized').add('forbidden');
  if (mayHaveBody) codes.add('payload_too_large').add('unsupported_media_type');
  if (access.for !== 'public' || access.limited) codes.add('rate_limited');
  if (tag !== 'Health' && tag !== 'Documentation') codes.add('service_unavailable').add('internal_error');
  return [...codes];
}

function headersFor(codes: readonly BrokerErrorCode[]): Record<string, JsonSchema> {
  const waits = codes.some((code) =>
    ['rate_limited', 'provider_unavailable', 'service_unavailable', 'connection_not_ready'].includes(code),
  );
  return {
    ...(waits ? { 'Retry-After': { description: 'Seconds.', schema: { type: 'integer' } } } : {}),
    ...(codes.includes('unauthorized')
      ? { 'WWW-Authenticate': { description: 'Bearer.', schema: { type: 'string' } } }
      : {}),
  };
}
