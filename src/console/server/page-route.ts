import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { Access } from '../../domain/callers/access.ts';
import type { Markup } from '../../markup/html.ts';
import type { Section } from '../layout/navigation.ts';
import { readFields } from './forms.ts';
import type { OrganizationVisit, Visit } from './visit.ts';

/** Access rule of a page: that of an operation of the API, or any session. */
export type PageAccess = Access | { for: 'session' };

/** One page, or the target of one form. A GET never changes anything. */
export interface PageDeclaration {
  method: 'GET' | 'POST';
  /** Path below /console, in the form of OpenAPI: `/connections/{name}`. */
  path: string;
  access: PageAccess;
  params?: z.ZodObject;
  query?: z.ZodType;
  form?: z.ZodType;
}

/** A page inside the frame. */
export interface PageAnswer {
  title: string;
  section: Section;
  body: Markup;
  /** Defaults to 200. */
  status?: number;
  /** Address that the browser goes to by itself. A form cannot be redirected to another site. */
  refreshTo?: string;
}

/** Sends the browser to a page of the console with GET (RFC 9110 §15.4.4). */
export interface SeeOther {
  /** Path such as `/console/audit`. */
  seeOther: string;
  /** The session has ended: the browser forgets its cookie. */
  endsSession?: true;
}

/** A file that the browser saves. A failure after its first piece ends the response early. */
export interface Download {
  download: { fileName: string; type: string; content: Readable };
}

export type Answer = PageAnswer | SeeOther | Download;

type Output<D, K extends string> = D extends Record<K, infer S extends z.ZodType> ? z.output<S> : Record<never, never>;

export interface PageInput<D extends PageDeclaration> {
  params: Output<D, 'params'>;
  query: Output<D, 'query'>;
  form: Output<D, 'form'>;
}

export type VisitOf<D extends PageDeclaration> = D['access']['for'] extends 'organization' ? OrganizationVisit : Visit;

export type PageHandler<D extends PageDeclaration> = (visit: VisitOf<D>, input: PageInput<D>) => Promise<Answer>;

/** A handler after the compiler has compared it with its declaration. */
type PageHandlerOfAny = (visit: Visit, input: unknown) => Promise<Answer>;

/** Registers pages. No other code registers routes that need a session, so each has a declared access. */
export interface Pages {
  mount<const D extends PageDeclaration>(declaration: D, handler: PageHandler<D>): void;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Access of a page that needs a session. */
    pageAccess?: PageAccess;
  }
}

export interface PageServing {
  visitOf: (request: FastifyRequest, reply: FastifyReply) => Visit | OrganizationVisit;
  send: (request: FastifyRequest, reply: FastifyReply, answer: Answer) => FastifyReply;
}

export function createPages(app: FastifyInstance, { visitOf, send }: PageServing): Pages {
  return {
    mount(declaration, handler) {
      const { method, path, access, params, query, form } = declaration;
      app.route({
        method,
        url: path.replace(/\{(\w+)\}/g, ':$1') || '/',
        config: { page: `/console${path}`, pageAccess: access },
        exposeHeadRoute: method === 'GET',
        handler: async (request, reply) => {
          const input: Record<keyof PageInput<PageDeclaration>, unknown> = {
            params: params === undefined ? {} : readFields(params, request.params),
            query: query === undefined ? {} : readFields(query, request.query),
            form: form === undefined ? {} : readFields(form, request.body ?? {}),
          };
          // The access of the declaration decides which visit this is, and its schemas which fields it has.
          const answer = await (handler as PageHandlerOfAny)(visitOf(request, reply), input);
          return send(request, reply, answer);
        },
      });
    },
  };
}
