import type { BrokerErrorCode } from '../../domain/errors.ts';
import { contract } from '../contract/contract.ts';
import { type Answer, type Declaration, tags } from '../declaration.ts';
import { problemMediaType, problems } from '../problem.ts';
import { problemSchemas } from '../schemas/problem.ts';
import { parametersOf } from './parameters.ts';
import { createSchemaCollector, type JsonSchema, type SchemaCollector } from './schema-collector.ts';

export interface Operation {
  operationId: string;
  tags: string[];
  summary: string;
  description?: string;
  parameters?: JsonSchema[];
  requestBody?: JsonSchema;
  responses: Record<string, JsonSchema>;
  security: Record<string, string[]>[];
}

export interface OpenApiDocument {
  openapi: '3.1.0';
  info: { title: string; version: string; summary: string; description: string };
  servers: { url: string }[];
  tags: { name: string; description: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { securitySchemes: Record<string, JsonSchema>; schemas: Record<string, JsonSchema> };
}

const description = `Callers authenticate with \`Authorization: Bearer <API key>\` and name the organisation in
\`X-Organization-Id\`; without it the global scope is meant, or the only organisation of a key that has exactly one.
Times are ISO 8601 UTC. Errors are \`application/problem+json\` (RFC 9457) with a stable \`code\`.
Unknown members of a body are refused; unknown query parameters are ignored; a query parameter may come once.`;

/** OpenAPI 3.1 of everything that is served. `serverUrl` is where it is mounted. */
export function buildDocument({ version, serverUrl }: { version: string; serverUrl: string }): OpenApiDocument {
  const collector = createSchemaCollector();
  const paths: OpenApiDocument['paths'] = {};
  for (const declaration of contract) {
    const path = paths[declaration.path] ?? {};
    path[declaration.method.toLowerCase()] = operationOf(declaration, collector);
    paths[declaration.path] = path;
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'token-broker',
      version,
      summary: 'Keeps OAuth connections alive and hands out access tokens that work.',
      description,
    },
    servers: [{ url: serverUrl }],
    tags: Object.entries(tags).map(([name, text]) => ({ name, description: text })),
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'An API key.' },
      },
      schemas: collector.components(),
    },
  };
}

function operationOf(declaration: Declaration, collector: SchemaCollector): Operation {
  const { access, body } = declaration;
  const parameters = parametersOf(declaration, collector);
  const permission = access.for === 'public' ? undefined : `Needs the permission \`${access.permission}\`.`;
  return {
    operationId: declaration.operationId,
    tags: [declaration.tag],
    summary: declaration.summary,
    description:
      [declaration.description, permission].filter((text) => text !== undefined).join(' ') || declaration.summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? formBody(declaration)
      : { requestBody: requestBody(declaration, collector.schemaOf(body, 'input')) }),
    responses: responsesOf(declaration, collector),
    security: access.for === 'public' ? [] : [{ bearer: [] }],
  };
}

function requestBody({ mediaTypes = [], bodyExample, body }: Declaration, schema: JsonSchema): JsonSchema {
  const content = { schema, ...(bodyExample === undefined ? {} : { example: bodyExample }) };
  return {
    required: body !== undefined && !body.safeParse({}).success,
    content: Object.fromEntries(['application/json', ...mediaTypes].map((type) => [type, content])),
  };
}

/** The one body that is not JSON: a provider's form_post. */
function formBody({ tag, method }: Declaration): { requestBody?: JsonSchema } {
  if (tag !== 'Browser' || method !== 'POST') return {};
  const schema = { type: 'object', additionalProperties: { type: 'string' } };
  return { requestBody: { content: { 'application/x-www-form-urlencoded': { schema } } } };
}

function responsesOf(declaration: Declaration, collector: SchemaCollector): Record<string, JsonSchema> {
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
  const form = tag === 'Browser' && method === 'POST';
  if (access.for === 'organization' || params || query || headers || body) codes.add('invalid_request');
  if (access.for !== 'public') codes.add('unauthorized').add('forbidden');
  if (body || form) codes.add('payload_too_large').add('unsupported_media_type');
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
