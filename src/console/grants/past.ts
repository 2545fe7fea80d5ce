import type { StoredAuditEvent } from '../../domain/audit.ts';
import type { Consent, ConsentOrigin } from '../../domain/grants/consent.ts';
import type { Grant } from '../../domain/grants/grant.ts';
import { eventWords } from '../layout/event-words.ts';
import type { Tone } from '../layout/status.ts';
import type { Foldable } from './fold.ts';

/** Something that happened to a grant. */
export interface PastEntry extends Foldable {
  title: string;
  tone: Tone;
  /** Caller that did it; null if it happened by itself. */
  actor: string | null;
  facts: StoredAuditEvent['details'];
}

export interface History {
  /** Events of the grant, in any order. */
  events: readonly StoredAuditEvent[];
  /** Edits of its connection. */
  edits: readonly StoredAuditEvent[];
  /** Newest first. */
  consents: readonly Consent[];
}

/** Lists the past of a grant, newest first. */
export function pastOf(grant: Grant, history: History, now: Date): PastEntry[] {
  const { events, edits, consents } = history;
  const oldest = consents.at(-1)?.at;
  // A consent tells the same as its event, with more facts. Events before the oldest listed consent stand alone.
  const told = events.filter(({ action, time }) => !arrivals.has(action) || oldest === undefined || time < oldest);
  const entries = [
    ...told.map(entryOfEvent),
    ...edits.filter(({ time }) => time >= grant.createdAt).map(entryOfEvent),
    ...consents.flatMap((consent) => entriesOfConsent(consent, events)),
    ...endsOf(grant, now),
    ...lastCheckOf(grant, events),
  ];
  return entries.sort((one, other) => other.at.getTime() - one.at.getTime());
}

const arrivals: ReadonlySet<string> = new Set(['grant.connected', 'grant.imported']);

function entryOfEvent(event: StoredAuditEvent): PastEntry {
  const { time, actor, action, outcome, details } = event;
  const by = actor === 'broker' ? null : actor;
  const failed = outcome === 'failure';
  const sibling = typeof details.sibling === 'string' ? details.sibling : null;
  const of = sibling === null ? '' : ` of ${sibling}`;
  const base = { at: time, actor: by, facts: details, title: eventWords[action], foldKey: null };
  switch (action) {
    case 'grant.refreshed':
      return { ...base, title: `Refreshed${of}`, tone: 'good', foldKey: `refreshed${of}`, facts: {} };
    case 'grant.refresh_failed': {
      const code = details.error ?? details.class ?? 'unknown';
      const title = `Refresh${of} failed: ${code}`;
      const facts = { http_status: details.http_status ?? null, the_provider_says: details.error_description ?? null };
      return { ...base, title, tone: 'bad', foldKey: `failed${of} ${String(details.class)} ${String(code)}`, facts };
    }
    case 'connection.tested': {
      const facts = failed ? { reason: details.reason ?? null } : {};
      const tone = failed ? 'bad' : 'good';
      return {
        ...base,
        title: testTitle(details.test_result),
        tone,
        foldKey: `tested ${String(details.test_result)} ${by}`,
        facts,
      };
    }
    case 'connection.updated':
      return { ...base, tone: 'quiet', facts: editFacts(details) };
    case 'credential.renewed':
      return { ...base, tone: failed ? 'bad' : 'warn', foldKey: `renewed ${by}`, facts: {} };
    case 'health_check.requested':
      return { ...base, tone: details.unhealthy === 0 ? 'good' : 'bad' };
    case 'grant.expiring':
      return { ...base, tone: 'warn' };
    case 'grant.revoked':
    case 'grant.revoked_at_provider':
    case 'grant.deleted':
      return { ...base, tone: 'bad' };
    default:
      return { ...base, tone: failed ? 'bad' : 'quiet' };
  }
}

/** Facts of an edit that touch a grant. */
function editFacts({ redirected, secret_changed }: PastEntry['facts']): PastEntry['facts'] {
  const isMoved = Array.isArray(redirected) && redirected.length > 0;
  return { ...(isMoved && { redirected }), ...(secret_changed === true && { secret_changed }) };
}

function testTitle(result: unknown): string {
  if (result === 'skipped') return 'Tested: the provider was not called';
  return result === 'failed' ? 'Tested: the token was refused' : 'Tested: the token works';
}

const originWords: Readonly<Record<ConsentOrigin, string>> = {
  authorization: 'Connected',
  import: 'Tokens imported',
  client_credentials: 'Connected with the client’s own credentials',
};

/** A consent begins with tokens that arrive. An edit of the connection may end it; other ends have events of their own. */
function entriesOfConsent(consent: Consent, events: readonly StoredAuditEvent[]): PastEntry[] {
  const { at, how, actor, accountName, accountId, scopes, address, end } = consent;
  const begin: PastEntry = {
    at,
    foldKey: null,
    title: originWords[how],
    tone: 'good',
    actor,
    facts: { account: accountName ?? accountId, scopes, address },
  };
  if (end === null || end.by === 'replaced') return [begin];
  const hasEvent = end.by !== 'disconnected' && events.some(({ action }) => action === `grant.${end.by}`);
  if (hasEvent) return [begin];
  const title =
    end.by === 'disconnected' ? 'An edit of the connection dropped the tokens' : eventWords[`grant.${end.by}`];
  return [{ at: end.at, foldKey: null, title, tone: 'bad', actor: end.actor, facts: {} }, begin];
}

/** Ends of tokens that are over: nothing writes them down when they happen. */
function endsOf({ sealedTokens, metadata }: Grant, now: Date): PastEntry[] {
  if (sealedTokens === null || metadata === null) return [];
  const ends = [
    ['The access token ended', metadata.expiresAt],
    ['The refresh token ended', metadata.refreshExpiresAt],
  ] as const;
  return ends.flatMap(([title, at]) =>
    at === null || at > now ? [] : [{ at, foldKey: null, title, tone: 'warn' as const, actor: null, facts: {} }],
  );
}

/** The last health check. Checks by the broker itself write no event, so earlier ones are not known. */
function lastCheckOf({ lastTestAt, health, healthError }: Grant, events: readonly StoredAuditEvent[]): PastEntry[] {
  if (lastTestAt === null || health === null) return [];
  const isTold = events.some(({ action, time }) => action === 'connection.tested' && time >= lastTestAt);
  if (isTold) return [];
  const isHealthy = health === 'healthy';
  const title = isHealthy ? 'Health check: the token works' : 'Health check: the token does not work';
  return [
    {
      at: lastTestAt,
      foldKey: null,
      title,
      tone: isHealthy ? 'good' : 'bad',
      actor: null,
      facts: { error: healthError },
    },
  ];
}
