import { keyIdOf } from '../../domain/callers/api-key.ts';
import { bootstrapCaller } from '../../domain/callers/bootstrap.ts';
import type { Caller, Trace } from '../../domain/callers/caller.ts';
import {
  type ConsoleRole,
  callerOfPerson,
  isPersonSubject,
  type Person,
  personIdOf,
  roleOfClaims,
} from '../../domain/callers/console-role.ts';
import { maxSessionsOfCaller, type Session, type SessionIdentity } from '../../domain/callers/session.ts';
import { BrokerError } from '../../domain/errors.ts';
import type { ConsoleSessions } from '../../domain/ports/callers.ts';
import type { Tokens } from '../../domain/ports/tokens.ts';
import { Secret } from '../../domain/secret.ts';
import type { AuthenticateCaller } from '../callers/authenticate-caller.ts';
import { bootstrapProof } from './bootstrap-proof.ts';
import { identityDetails, sessionEvent } from './session-event.ts';

/** A key, or a person whose identity provider has been asked. `roles` are the claim values that the provider sent. */
export type SignIn =
  | { kind: 'api_key'; key: Secret; mayLookUp?: () => Promise<boolean> }
  | { kind: 'person'; person: Person & { roles: readonly string[] } };

/** Origin of a sign-in. */
export interface SignInTrace extends Trace {
  agent: string | null;
}

export interface OpenedSession {
  /** Id for the cookie, 43 characters of base64url. Only this result holds it. */
  id: Secret;
  caller: Caller;
  session: Session;
}

/**
 * Opens a session of the console. Throws unauthorized for a key that is not valid and for a workload token, forbidden for
 * a person without a configured role, and service_unavailable.
 */
export type OpenSession = (signIn: SignIn, trace: SignInTrace) => Promise<OpenedSession>;

export interface OpenSessionDeps {
  sessions: Pick<ConsoleSessions, 'create' | 'refuse'>;
  authenticateCaller: AuthenticateCaller;
  bootstrapKey: Secret | null;
  consoleRoles: readonly ConsoleRole[];
  tokens: Pick<Tokens, 'random' | 'sha256' | 'sha256Text'>;
  clock: () => Date;
}

/** 256 bits. */
const sessionIdBytes = 32;
const csrfSecretBytes = 32;
/** Characters of a User-Agent and of a person's name: both are there to be recognised, and others choose them. */
const maxAgentLength = 300;
const maxNameLength = 200;

export function createOpenSession(deps: OpenSessionDeps): OpenSession {
  const { sessions, tokens, clock } = deps;
  return async (signIn, trace) => {
    const id = new Secret(tokens.random(sessionIdBytes));
    const { caller, identity } =
      signIn.kind === 'api_key' ? await admitKey(deps, id, signIn) : await admitPerson(deps, signIn.person, trace);
    const now = clock();
    const session: Session = {
      idHash: tokens.sha256(id.reveal()),
      identity,
      callerId: caller.id,
      csrfSecret: new Secret(tokens.random(csrfSecretBytes)),
      createdAt: now,
      lastSeenAt: now,
      address: trace.address,
      agent: trace.agent?.slice(0, maxAgentLength).toWellFormed() ?? null,
    };
    const details = identityDetails(identity);
    await sessions.create(
      session,
      sessionEvent({ action: 'session.opened', actor: caller.id, caller, details }, trace, now),
      maxSessionsOfCaller,
    );
    return { id, caller, session };
  };
}

interface Admitted {
  caller: Caller;
  identity: SessionIdentity;
}

async function admitKey(
  { authenticateCaller, bootstrapKey, tokens }: OpenSessionDeps,
  id: Secret,
  { key, mayLookUp = async () => true }: Extract<SignIn, { kind: 'api_key' }>,
): Promise<Admitted> {
  const caller = await authenticateCaller(key, { mayLookUp });
  const keyId = keyIdOf(caller.id);
  if (keyId !== null) return { caller, identity: { kind: 'api_key', id: keyId } };
  if (caller.id === bootstrapCaller.id && bootstrapKey !== null) {
    return { caller, identity: { kind: 'bootstrap', proof: bootstrapProof(tokens, id, bootstrapKey) } };
  }
  // A session would outlast the token of a workload, which lives for minutes and is no person's.
  throw BrokerError.of('unauthorized', 'The key is not valid.');
}

async function admitPerson(
  { sessions, consoleRoles, clock }: OpenSessionDeps,
  { roles, issuer, subject, name }: Person & { roles: readonly string[] },
  trace: SignInTrace,
): Promise<Admitted> {
  if (!isPersonSubject(subject))
    throw BrokerError.of('forbidden', 'The subject of the identity provider is malformed.');
  const person = { issuer, subject, name: readableName(name, subject) };
  const role = roleOfClaims(consoleRoles, roles);
  if (role !== undefined) {
    return { caller: callerOfPerson(person, role), identity: { kind: 'person', ...person, role: role.value } };
  }
  const details = { kind: 'person', name: person.name };
  const refused = { action: 'session.refused', actor: personIdOf(person), caller: null, details } as const;
  await sessions.refuse(sessionEvent(refused, trace, clock()));
  throw BrokerError.of('forbidden', 'No role of the console is configured for this person.');
}

function readableName(name: string, subject: string): string {
  const readable = name.replaceAll(/\p{C}/gu, '').slice(0, maxNameLength).toWellFormed();
  return readable === '' ? subject : readable;
}
