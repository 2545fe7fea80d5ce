import { type Access, type AccessForOrganization, authorize } from '../../domain/callers/access.ts';
import type { Actor, Caller, Trace } from '../../domain/callers/caller.ts';
import type { Session } from '../../domain/callers/session.ts';
import { organizationIdPattern } from '../../domain/connections/connection.ts';
import { invalidRequest } from '../../domain/errors.ts';
import type { Secret } from '../../domain/secret.ts';
import type { Markup } from '../../markup/html.ts';

/** Who is signed in. */
export interface Visitor {
  caller: Caller;
  session: Session;
  /** Content of the cookie. */
  sessionId: Secret;
}

/** One request of a page, after the session and the access were checked. */
export interface Visit extends Visitor {
  trace: Trace;
  now: Date;
  /** Address of this request below the base path, with its query: `/console/connections?q=crm`. */
  here: string;
  /** Base of every address of the service: PUBLIC_URL with BASE_PATH. */
  baseUrl: string;
  /** Turns a path of the service, such as `/console/audit`, into a link. */
  href: (path: string) => string;
  /** Hidden field that every form of a page holds: it proves that this session was shown the form. */
  csrfField: Markup;
  /** Attribute without which htmx ignores the attributes of an element. */
  nonce: string;
  /** Tells whether the visitor may run an operation, to leave out what would be refused. It decides nothing. */
  may: (access: Access) => boolean;
  /** Selects the organisation that the address names, for an operation that needs one. Throws forbidden, invalid_request. */
  actorFor: (access: AccessForOrganization) => Actor;
}

/** A visit that is about one organisation, or about the global scope. */
export interface OrganizationVisit extends Visit {
  actor: Actor;
}

/**
 * Decides whether a page may be shown, and selects its organisation from the parameter `organization`. An empty value
 * names the global scope, and an absent one leaves the choice to the rule of the header X-Organization-Id. Throws forbidden,
 * invalid_request.
 */
export function actorOf(caller: Caller, access: AccessForOrganization, query: unknown, trace: Trace): Actor;
export function actorOf(caller: Caller, access: Access, query: unknown, trace: Trace): Actor | null;
export function actorOf(caller: Caller, access: Access, query: unknown, trace: Trace): Actor | null {
  const { organization } = query as Record<string, unknown>;
  if (organization === undefined) return authorize(caller, access, undefined, trace);
  if (organization === '') return authorize(caller, access, null, trace);
  if (typeof organization === 'string' && organizationIdPattern.test(organization))
    return authorize(caller, access, organization, trace);
  throw invalidRequest({ path: 'organization', message: `must match ${organizationIdPattern.source}` });
}

/** Tells whether the caller has the permission, for the organisations that it reaches. */
export function mayRun(caller: Caller, { permission, ...access }: Access): boolean {
  const accepted = typeof permission === 'string' ? [permission] : permission;
  const reaches = access.for !== 'installation' || (caller.organizations === '*' && caller.global);
  return reaches && accepted.some((each) => caller.permissions.includes(each));
}
