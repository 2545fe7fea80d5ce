import type { StoredAuditEvent } from '../../domain/audit.ts';
import { accessOf } from '../../domain/callers/access.ts';
import { connectionPage } from '../../domain/console/console-pages.ts';
import { html, type Markup } from '../../markup/html.ts';
import { type ActorNames, actorName } from '../audit/actor-names.ts';
import { eventWords } from '../layout/event-words.ts';
import { isolated, ownerName } from '../layout/owner.ts';
import { badge } from '../layout/status.ts';
import { when } from '../layout/time.ts';
import type { Visit } from '../server/visit.ts';

/** Lines at most. */
const shown = 10;

export interface LatestEvents {
  /** Newest first. */
  events: readonly StoredAuditEvent[];
  names: ActorNames;
}

/** Shows what happened last. */
export function eventsPanel(
  { href, now, may }: Pick<Visit, 'href' | 'now' | 'may'>,
  { events, names }: LatestEvents,
): Markup {
  return html`<section class="panel" aria-labelledby="events">
<h2 id="events">Latest events</h2>
${
  events.length === 0
    ? html`<p class="quiet-line">Nothing has happened yet.</p>`
    : html`<ol class="events">\n${folded(events).map((fold) => eventItem(fold, names, { href, now }))}</ol>`
}
${may(accessOf.listAuditEvents) ? html`<p><a href="${href('/console/audit')}">The whole audit trail</a></p>` : null}
</section>`;
}

function eventItem({ event, times }: Fold, names: ActorNames, { href, now }: Pick<Visit, 'href' | 'now'>): Markup {
  const { action, outcome, actor, connectionName, organizationId, time } = event;
  const connection =
    connectionName === null
      ? null
      : html` <a href="${href(connectionPage({ name: connectionName, organizationId }))}">${isolated(connectionName)}</a>${organizationId === null ? null : html` <span class="soft">${ownerName(organizationId)}</span>`}`;
  return html`<li><span>${eventWords[action]}${times === 1 ? null : html` <strong>× ${times}</strong>`}${connection}${outcome === 'failure' ? html` ${badge('bad', 'failure')}` : null}</span>
<span class="soft">${actorName(actor, names)} · ${when(time, now)}</span></li>
`;
}

/** Events of one kind that follow each other. `event` is the newest. */
export interface Fold {
  event: StoredAuditEvent;
  times: number;
}

/** Folds events that follow each other and differ in their time and grant alone. Returns the newest. */
export function folded(events: readonly StoredAuditEvent[]): Fold[] {
  const folds: Fold[] = [];
  for (const event of events) {
    const last = folds.at(-1);
    if (last !== undefined && isSame(last.event, event)) last.times += 1;
    else folds.push({ event, times: 1 });
  }
  return folds.slice(0, shown);
}

function isSame(one: StoredAuditEvent, other: StoredAuditEvent): boolean {
  return (
    one.action === other.action &&
    one.actor === other.actor &&
    one.outcome === other.outcome &&
    one.connectionName === other.connectionName &&
    one.organizationId === other.organizationId
  );
}
