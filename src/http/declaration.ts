import type { z } from 'zod';
import type { Permission } from '../domain/caller.ts';
import type { BrokerErrorCode } from '../domain/errors.ts';

/**
 * Who may call a route.
 * - public: anybody; `limited` counts the call against the address.
 * - caller: an authenticated caller with the permission.
 * - organization: the same, and the organisation the call is about.
 */
export type Access =
  | { for: 'public'; limited: boolean }
  | { for: 'caller'; permission: Permission }
  | { for: 'organization'; permission: Permission };

export const tags = {
  Connections: 'Named OAuth client configurations, of one organisation or global.',
  Grants: 'Token sets obtained through a connection.',
  Authorizations: 'Trips of a person’s browser to the provider.',
  Browser: 'Pages that people open; called by browsers, not by services.',
  Credentials: 'Live access tokens.',
  Providers: 'Templates that fill in what is known of a provider.',
  Administration: 'API keys.',
  Health: 'The state of this process and of what it depends on.',
  Documentation: 'This document.',
} as const;
export type Tag = keyof typeof tags;

export interface Answer {
  description: string;
  /** Absent for an empty body. */
  schema?: z.ZodType;
  /** Default application/json. */
  mediaType?: string;
  /** Name → what it says. */
  headers?: Record<string, string>;
  example?: unknown;
}

/** One route of the contract: what registers it, checks its input and documents it. */
export interface Declaration {
  operationId: string;
  tag: Tag;
  summary: string;
  description?: string;
  method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  /** OpenAPI form: `/connections/{name}`. */
  path: string;
  access: Access;
  params?: z.ZodObject;
  /** Parameters it does not name are ignored; those it names may come once. */
  query?: z.ZodObject;
  /** Names in the spelling of the documentation; matched without regard to case. */
  headers?: z.ZodObject;
  body?: z.ZodType;
  bodyExample?: unknown;
  /** Media types of the body beside application/json. */
  mediaTypes?: readonly string[];
  answers: Record<number, Answer>;
  /** Beyond those that follow from access and input. */
  problems: readonly BrokerErrorCode[];
}

/** Keeps the literal types, so that a handler is checked against exactly this route. */
export function declare<const D extends Declaration>(declaration: D): D {
  return declaration;
}
