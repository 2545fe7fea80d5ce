import { z } from 'zod';

export type JsonSchema = Record<string, unknown>;

/** Turns zod schemas into JSON Schema; those with an id become components and are referred to. */
export interface SchemaCollector {
  /** `input` for what comes in, before defaults and transforms; `output` for what goes out. */
  schemaOf: (schema: z.ZodType, io: 'input' | 'output') => JsonSchema;
  /** Everything that has been referred to, by name, in order. */
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

type Override = NonNullable<NonNullable<Parameters<typeof z.toJSONSchema>[1]>['override']>;

function adapt(io: 'input' | 'output'): Override {
  return ({ jsonSchema }) => {
    const { openapi, description } = jsonSchema;
    if (typeof openapi === 'object' && openapi !== null) {
      for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
      Object.assign(jsonSchema, openapi, description === undefined ? {} : { description });
    }
    // Answers may gain members; a client that checks them strictly would break over one.
    if (io === 'output' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
  };
}

function withComponentReferences(schema: JsonSchema): JsonSchema {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/')) as JsonSchema;
}
