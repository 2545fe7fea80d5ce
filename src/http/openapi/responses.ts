import type { BrokerErrorCode } from '../../domain/errors.ts';
import type { Declaration, DeclaredResponse } from '../declaration.ts';
import { problemMediaType, problems } from '../problem.ts';
import { problemSchemas } from '../schemas/problem.ts';
import type { JsonSchema, SchemaCollector } from './schema-collector.ts';

/** Responses of a route by status: those it declares, and the problems it can end in. */
export function responsesOf(declaration: Declaration, collector: SchemaCollector): Record<string, JsonSchema> {
  const responses: Record<string, JsonSchema> = {};
  for (const [status, declared] of Object.entries(declaration.responses))
    responses[status] = responseOf(declared, collector);
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

function responseOf(
  { description, schema, mediaType = 'application/json', alternatives = {}, headers, example }: DeclaredResponse,
  collector: SchemaCollector,
): JsonSchema {
  return {
    description,
    ...(headers === undefined
      ? {}
      : {
          headers: Object.fromEntries(
            Object.entries(headers).map(([name, meaning]) => [
              name,
              { description: meaning, schema: { type: 'string' } },
            ]),
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
            ...Object.fromEntries(
              Object.entries(alternatives).map(([type, line]) => [
                type,
                { schema: collector.schemaOf(line, 'output') },
              ]),
            ),
          },
        }),
  };
}

/** Codes a route declares, and codes that follow from its access, method and input. */
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
  // The server reads the body of any other method before it looks at whether the route takes one.
  const mayHaveBody = method !== 'GET';
  // Every route but those of browsers refuses parameters that it does not know.
  if (tag !== 'Browser' || params || query || headers || body) codes.add('invalid_request');
  if (access.for !== 'public') codes.add('unauthorized').add('forbidden');
  if (mayHaveBody) codes.add('request_timeout').add('payload_too_large').add('unsupported_media_type');
  if (access.for !== 'public' || access.limited) codes.add('rate_limited');
  if (tag !== 'Health' && tag !== 'Documentation') codes.add('service_unavailable').add('internal_error');
  return [...codes];
}

function headersFor(codes: readonly BrokerErrorCode[]): Record<string, JsonSchema> {
  const waits = codes.some((code) =>
    ['rate_limited', 'provider_unavailable', 'service_unavailable', 'connection_not_ready'].includes(code),
  );
  return {
    ...(waits
      ? { 'Retry-After': { description: 'Seconds to wait before the next attempt.', schema: { type: 'integer' } } }
      : {}),
    ...(codes.includes('unauthorized')
      ? { 'WWW-Authenticate': { description: 'The authentication scheme: Bearer.', schema: { type: 'string' } } }
      : {}),
  };
}
