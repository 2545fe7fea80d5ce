import { type Caller, matchesPattern, type Permission, type Reach } from './caller.ts';

/** Rights in the console of the people whose identity provider sends a claim value that matches. */
export interface ConsoleRole extends Reach {
  /** Required value of the claim. `*` matches any run of characters. It also names the role in a session. */
  value: string;
  permissions: readonly Permission[];
  /** Patterns of connection names for credentials:read; null allows every name. */
  connections: readonly string[] | null;
  rateLimitPerMinute: number | null;
}

/** A person as the identity provider describes them. */
export interface Person {
  issuer: string;
  subject: string;
  /** For people to read. It decides nothing. */
  name: string;
}

/**
 * Returns the role of a person: the first configured role that one of the claim values matches. Rights of several roles
 * are never merged: a permission of one role would then hold in the organisations of another.
 */
export function roleOfClaims(roles: readonly ConsoleRole[], values: readonly string[]): ConsoleRole | undefined {
  return roles.find(({ value }) => values.some((each) => matchesPattern(value, each)));
}

/** Without control characters, and short enough for the index of the audit trail. OpenID Connect Core §2: at most 255. */
const subjectForm = /^[^\p{C}]{1,255}$/u;

/** Checks whether a subject can be part of a caller's id. */
export function isPersonSubject(subject: string): boolean {
  return subjectForm.test(subject);
}

/** Id of a person as a caller. An issuer has no fragment, so the parts cannot be confused. */
export function personIdOf({ issuer, subject }: Pick<Person, 'issuer' | 'subject'>): string {
  return `person:${issuer}#${subject}`;
}

/** Maps a person with that role to a caller. Keys that they create may outlive their session. */
export function callerOfPerson(person: Person, role: ConsoleRole): Caller {
  const { permissions, organizations, global, connections, rateLimitPerMinute } = role;
  return {
    id: personIdOf(person),
    name: person.name,
    permissions,
    organizations,
    global,
    connections,
    expiresAt: null,
    rateLimitPerMinute,
  };
}
