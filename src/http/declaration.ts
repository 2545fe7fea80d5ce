import type { z } from 'zod';
import type { Access } from '../domain/callers/access.ts';
import type { BrokerErrorCode } from '../domain/errors.ts';

/** Access rule of a route. Public needs no authentication; `limited` counts each call against the limit of its address. */
export type RouteAccess = { for: 'public'; limited: boolean } | Access;

export const tags = {
  Connections: 'OAuth client configurations, each with a name. One belongs to one organisation or is global.',
  Grants: 'Token sets obtained through a connection, one for each subject and account.',
  Authorizations: 'Requests for a person to authorize access at the provider, and their progress.',
  Browser: 'Pages that a person’s browser opens. Services do not call them.',
  Credentials: 'Valid access tokens for calls to a provider’s API.',
  Providers: 'Provider templates: default URLs, scopes and settings for connections.',
  Workflows: 'Consumers of connections: what they depend on, and whether they may run.',
  Administration: 'API keys and the audit trail.',
  Health: 'State of this process and of the services it depends on.',
  Documentation: 'This API description.',
} as const;
export type Tag = keyof typeof tags;

export interface DeclaredResponse {
  description: string;
  /** Absent for an empty body. */
  schema?: z.ZodType;
  /** Defaults to application/json. */
  mediaType?: string;
  /** Other media types that the header Accept can choose, each with the schema of one line. */
  alternatives?: Record<string, z.ZodType>;
  /** Description of each header, by header name. */
  headers?: Record<string, string>;
  example?: unknown;
}

/** One route of the contract. Registration, validation and documentation all read this one declaration. */
export interface Declaration {
  operationId: string;
  tag: Tag;
  summary: string;
  description?: string;
  method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  /** Path in OpenAPI form: `/connections/{name}`. */
  path: string;
  access: RouteAccess;
  /** False: keys that were used here lately are recognised while the database is away. Defaults to true. */
  needsDatabase?: false;
  params?: z.ZodObject;
  /** Query parameters. Unknown parameters are refused, except on browser routes. A parameter may appear once. */
  query?: z.ZodObject;
  /** Header names as documented; requests match them case-insensitively. */
  headers?: z.ZodObject;
  body?: z.ZodType;
  /** Body of one JSON text a line instead of `body`: its handler reads it as a stream, without the limits of a body. */
  lines?: { mediaType: string; schema: z.ZodType };
  bodyExample?: unknown;
  /** Media types of the body in addition to application/json. */
  mediaTypes?: readonly string[];
  responses: Record<number, DeclaredResponse>;
  /** Problem codes in addition to those that follow from access and input. */
  problems: readonly BrokerErrorCode[];
}

/** Returns the declaration with its literal types, so that the compiler checks the handler against this route. */
export function declare<const D extends Declaration>(declaration: D): D {
  return declaration;
}
