import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { projectRoot } from '../support/architecture/source-tree.ts';

interface Media {
  example?: unknown;
  schema?: unknown;
}

interface DocumentedParameter {
  name: string;
  in: string;
}

interface DocumentedOperation {
  operationId: string;
  security?: readonly object[];
  parameters?: readonly (DocumentedParameter & { $ref?: string })[];
  requestBody?: { content: Record<string, Media> };
}

/** One operation of openapi.yaml, read from the file alone, so that a new route is in every test built on it. */
export interface Operation {
  id: string;
  method: string;
  /** Path with its parameters in braces. */
  path: string;
  isPublic: boolean;
  /** Names of the query parameters. */
  query: readonly string[];
  /** Media type and example of the request body. Undefined if the operation takes none. */
  body: { type: string; example: unknown } | undefined;
}

const document = parse(readFileSync(join(projectRoot, 'openapi.yaml'), 'utf8')) as {
  paths: Record<string, Record<string, DocumentedOperation>>;
  components: { parameters?: Record<string, DocumentedParameter>; schemas: Record<string, unknown> };
};

const methods = ['get', 'put', 'post', 'delete', 'patch'];

export const operations: readonly Operation[] = Object.entries(document.paths).flatMap(([path, item]) =>
  methods.flatMap((method) => {
    const operation = item[method];
    return operation === undefined ? [] : [toOperation(method.toUpperCase(), path, operation)];
  }),
);

function toOperation(method: string, path: string, operation: DocumentedOperation): Operation {
  const parameters = (operation.parameters ?? []).map((parameter) => resolveParameter(parameter));
  const [body] = Object.entries(operation.requestBody?.content ?? {});
  return {
    id: operation.operationId,
    method,
    path,
    isPublic: operation.security?.length === 0,
    query: parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name),
    body: body && { type: body[0], example: body[1].example ?? {} },
  };
}

function resolveParameter(parameter: DocumentedParameter & { $ref?: string }): DocumentedParameter {
  const name = parameter.$ref?.split('/').at(-1);
  return name === undefined ? parameter : (document.components.parameters?.[name] ?? parameter);
}
