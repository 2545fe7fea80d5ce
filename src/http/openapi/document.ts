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

const description = `Callers authenticate with \`Authorization: Bearer <API key>\`.
The header \`X-Organization-Id\` selects the organisation. Without it, a call acts in the global scope,
or for the only organisation of a key that has exactly one and no right to the global scope.
Times are ISO 8601 UTC. Errors are \`application/problem+json\` (RFC 9457) with a stable \`code\`.
Unknown query parameters and members of a body are refused with the nearest known name. A query parameter may appear once.`;

/** Builds the OpenAPI 3.1 document of all routes. `serverUrl` is the base URL of their paths. */
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
  const { access, body, lines } = declaration;
  const parameters = parametersOf(declaration, collector);
  const permission =
    access.for === 'public'
      ? undefined
      : `Requires the permission ${[access.permission]
          .flat()
          .map((each) => `\`${each}\``)
          .join(' or ')}.`;
  return {
    operationId: declaration.operationId,
    tags: [declaration.tag],
    summary: declaration.summary,
    description:
      [declaration.description, permission].filter((text) => text !== undefined).join(' ') || declaration.summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(lines !== undefined && {
      requestBody: {
        required: true,
        content: {
          [lines.mediaType]: {
            schema: collector.schemaOf(lines.schema, 'input'),
            ...(declaration.bodyExample === undefined ? {} : { example: declaration.bodyExample }),
          },
        },
      },
    }),
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

/** Body of a form_post callback, the only body that is not JSON. */
function formBody({ tag, method }: Declaration): { requestBody?: JsonSchema } {
  if (tag !== 'Browser' || method !== 'POST') return {};
  const schema = { type: 'object', additionalProperties: { type: 'string' } };
  return { requestBody: { content: { 'application/x-www-form-urlencoded': { schema } } } };
}
