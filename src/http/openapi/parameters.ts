import type { z } from 'zod';
import { organizationIdPattern } from '../../domain/connections/connection.ts';
import type { Declaration } from '../declaration.ts';
import { queryOf } from '../validation/query-selectors.ts';
import type { JsonSchema, SchemaCollector } from './schema-collector.ts';

/** Path, query and header parameters of a route, including X-Organization-Id. */
export function parametersOf(declaration: Declaration, collector: SchemaCollector): JsonSchema[] {
  const organization: JsonSchema = {
    name: 'X-Organization-Id',
    in: 'header',
    required: false,
    description: 'Organisation that the call acts for.',
    schema: { type: 'string', pattern: organizationIdPattern.source },
  };
  return [
    ...from(declaration.params, 'path', collector),
    ...from(queryOf(declaration), 'query', collector),
    ...(declaration.access.for === 'organization' ? [organization] : []),
    ...from(declaration.headers, 'header', collector),
  ];
}

function from(
  object: z.ZodObject | undefined,
  place: 'path' | 'query' | 'header',
  collector: SchemaCollector,
): JsonSchema[] {
  if (object === undefined) return [];
  const { properties, required } = collector.schemaOf(object, 'input') as {
    properties: Record<string, JsonSchema>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: place,
    required: place === 'path' || (required?.includes(name) ?? false),
    ...(description === undefined ? {} : { description }),
    schema,
  }));
}
