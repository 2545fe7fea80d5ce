import { z } from 'zod';

export type JsonSchema = Record<string, unknown>;

/** Converts zod schemas to JSON Schema. A schema with an id becomes a component and is referenced by name. */
export interface SchemaCollector {
  /** Converts one schema: `input` for requests, before defaults and transforms; `output` for responses. */
  schemaOf: (schema: z.ZodType, io: 'input' | 'output') => JsonSchema;
  /** Returns the components referenced so far, sorted by name. */
  components: () => Record<string, JsonSchema>;
}

export function createSchemaCollector(): SchemaCollector {
  const components = new Map<string, JsonSchema>();
  return {
    schemaOf: (schema, io) => {
      const { $schema, $defs, ...root } = z.toJSONSchema(schema, { io, unrepresentable: 'throw', override: adapt(io) });
      for (const [name, definition] of Object.entries($defs ?? {})) {
        const { id: _, ...rest } = definition as JsonSchema;
        components.set(name, withComponentReferences(rest));
      }
      return withComponentReferences(root);
    },
    components: () => Object.fromEntries([...components].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** Converts one schema to a JSON Schema of its own. Draft 7 is the one that editors of YAML know. */
export function toDocument(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { target: 'draft-7', io: 'input', unrepresentable: 'throw', override: adapt('input') });
}

type Override = NonNullable<NonNullable<Parameters<typeof z.toJSONSchema>[1]>['override']>;

function adapt(io: 'input' | 'output'): Override {
  return ({ jsonSchema }) => {
    const { openapi, description } = jsonSchema;
    if (typeof openapi === 'object' && openapi !== null) {
      for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
      Object.assign(jsonSchema, openapi, description === undefined ? {} : { description });
    }
    // Responses may gain members later; a client that validates strictly must not fail on a new one.
    if (io === 'output' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
  };
}

function withComponentReferences(schema: JsonSchema): JsonSchema {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/')) as JsonSchema;
}
