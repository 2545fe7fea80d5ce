import { contract } from '../contract/contract.ts';
import { type Declaration, tags } from '../declaration.ts';
import { parametersOf } from './parameters.ts';
import { responsesOf } from './responses.ts';
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
