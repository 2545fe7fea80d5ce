import { accessOf } from '../../domain/callers/access.ts';
import { connectionPage, type GrantPart, grantPage } from '../../domain/console/console-pages.ts';
import type { Sibling } from '../../domain/grants/grant.ts';
import { html, type Markup } from '../../markup/html.ts';
import type { ActorNames } from '../audit/actor-names.ts';
import { act, asCurl } from '../layout/acts.ts';
import { needsPermission, notice } from '../layout/notices.ts';
import { isolated, ownerName } from '../layout/owner.ts';
import { grantBadge } from '../layout/status.ts';
import { pairs, queryOf } from '../layout/table.ts';
import { whenExactly } from '../layout/time.ts';
import { reasonTexts } from '../reasons/reason-texts.ts';
import type { Step } from '../reasons/step.ts';
import type { Why } from '../reasons/why.ts';
import type { OrganizationVisit } from '../server/visit.ts';
import type { FutureEntry } from './future.ts';
import { grantName } from './grant-name.ts';
import type { PastEntry } from './past.ts';
import type { FoundGrant } from './read-grant.ts';
import { timeline } from './timeline.ts';

export interface GrantPage {
  visit: OrganizationVisit;
  found: FoundGrant;
  why: Why;
  future: readonly FutureEntry[];
  past: readonly PastEntry[] | null;
  names: ActorNames;
  /** Tells what an act has done. */
  done: Markup | null;
}

export function grantPageBody(page: GrantPage): Markup {
  const { visit, found, why, future, past, names, done } = page;
  const { grant, connection, isHidden } = found;
  const { now, baseUrl, href } = visit;
  const place = { name: connection.name, organizationId: grant.organizationId };
  return html`<div class="title"><h1>${isolated(grantName(grant))}</h1>${grantBadge(grant, now)}</div>
${done}
${isHidden ? hiddenNotice(found) : null}
<div class="panels">
<section class="panel ${toneOf(page)}"><h2>${why.title}</h2>
<p>${why.cause}</p>
${isHidden ? null : html`<p><strong>${why.actorLabel}</strong> ${why.step.text}</p>`}
${isHidden ? null : html`<p class="soft">${why.callersGet.text}</p>`}
${evidenceOf(page)}
${isHidden ? null : acts(page)}
</section>
<section class="panel"><h2>Grant</h2>
${pairs([
  ['Account', accountOf(grant)],
  ['Subject', grant.subject === null ? 'no particular person' : isolated(grant.subject)],
  ['Owner', ownerName(grant.organizationId)],
  [
    'Connection',
    html`<a href="${href(connectionPage(place))}">${isolated(connection.name)}</a>${connection.organizationId === grant.organizationId ? null : html` <span class="soft">global</span>`}`,
  ],
  ['Provider', isolated(connection.settings.provider)],
  [
    'Scopes',
    grant.metadata === null || grant.metadata.scopes.length === 0 ? null : isolated(grant.metadata.scopes.join(' ')),
  ],
  ['Last refresh', whenExactly(grant.lastRefreshAt, now)],
  ['Grant id', html`<code>${grant.id}</code>`],
])}
</section>
</div>
${grant.warnings.map(({ message }) => notice('warn', isolated(message)))}
${siblings(grant.metadata?.siblings ?? {}, now)}
<section class="panel"><h2>Timeline</h2>
${timeline({ future, past, names, now })}
${past === null ? needsPermission('admin:read') : historyNotes(page)}
</section>
${asCurl({ method: 'GET', baseUrl, path: past === null ? `/connections/${encodeURIComponent(connection.name)}/grants/${grant.id}` : `/admin/grants/${grant.id}`, organizationId: grant.organizationId })}`;
}

function toneOf({ found: { grant }, why }: GrantPage): string {
  if (why.actor !== 'nobody') return 'bad';
  return grant.status === 'completed' && grant.lastError === null && grant.health !== 'unhealthy' ? 'good' : 'warn';
}

function hiddenNotice({ grant, connection }: FoundGrant): Markup {
  return notice(
    'warn',
    html`This grant belongs to the global connection ${isolated(connection.name)}. ${ownerName(grant.organizationId)} has a connection of its own with that name, and fetches use that one. So this grant serves no fetch, and nothing can be done with it by name.`,
  );
}

function accountOf({ accountName, accountId, accountVerified }: FoundGrant['grant']): Markup | string {
  if (accountId === null && accountName === null) return 'not known';
  const id =
    accountId !== null && accountName !== null ? html` <span class="soft">${isolated(accountId)}</span>` : null;
  return html`${isolated(accountName ?? accountId ?? '')}${id}${accountVerified ? null : html` <span class="soft">not verified</span>`}`;
}

function evidenceOf({ why: { evidence }, visit: { now } }: GrantPage): Markup | null {
  const { since, attempts, code, description, httpStatus, nextTryAt, message } = evidence;
  const facts = [
    ...(since === null ? [] : [['Since', whenExactly(since, now)] as const]),
    ...(attempts === null ? [] : [['Attempts', attempts] as const]),
    ...(code === null ? [] : [['Code of the provider', html`<code>${code}</code>`] as const]),
    ...(httpStatus === null ? [] : [['HTTP status', httpStatus] as const]),
    ...(description === null ? [] : [['The provider says', isolated(description)] as const]),
    ...(message === null ? [] : [['Message', isolated(message)] as const]),
    ...(attempts === null || nextTryAt === null
      ? []
      : [['Next try', nextTryAt <= now ? 'due' : whenExactly(nextTryAt, now)] as const]),
  ];
  return facts.length === 0 ? null : pairs(facts);
}

/** The next step first and marked, then what else the visitor may do. */
function acts(page: GrantPage): Markup {
  const { visit, found } = page;
  const { grant, connection } = found;
  const { flow } = connection.settings;
  const next = page.why.step.act;
  const isHeld = grant.sealedTokens !== null;
  const canRefresh = flow === 'client_credentials' || (isHeld && grant.metadata?.refreshable === true);
  const place = { connectionName: connection.name, organizationId: grant.organizationId, grantId: grant.id };
  const address = (part: GrantPart) => visit.href(grantPage(place, part));
  const form = (part: GrantPart, label: string, isNext: boolean) =>
    act({ action: address(part), label, csrfField: visit.csrfField, tone: isNext ? 'main' : 'quiet' });
  const isNext = (...steps: Step['act'][]) => steps.includes(next);
  return html`<div class="act-row">
${flow === 'authorization_code' && visit.may(accessOf.startAuthorization) ? form('reconnect', 'Reconnect', isNext('reconnect', 'connect')) : null}
${canRefresh && visit.may(accessOf.refreshGrant) ? form('refresh', 'Refresh now', isNext('refresh')) : null}
${isHeld && visit.may(accessOf.testConnection) ? form('test', 'Test', false) : null}
${isNext('edit') && visit.may(accessOf.patchConnection) ? html`<a class="button" href="${visit.href(connectionPage({ name: connection.name, organizationId: connection.organizationId }, 'edit'))}">Edit the connection</a>` : null}
${isHeld && visit.may(accessOf.revokeGrants) ? html`<a class="button quiet" href="${address('revoke')}">Revoke</a>` : null}
${visit.may(accessOf.deleteGrant) ? html`<a class="button quiet" href="${address('delete')}">Delete</a>` : null}
</div>`;
}

/** Second token sets, such as Slack's user token. Each is refreshed by itself and has a state of its own. */
function siblings(named: Readonly<Record<string, Sibling>>, now: Date): Markup[] {
  return Object.entries(named).map(([name, sibling]) => {
    const { statusReason, lastError, metadata, lastRefreshAt } = sibling;
    return html`<section class="panel"><h2>${isolated(name)} ${grantBadge(sibling, now)}</h2>
<p class="soft">A second token set of this grant. It is refreshed by itself.</p>
${statusReason === null ? null : html`<p>${reasonTexts[statusReason].title}</p>`}
${pairs([
  ['Access token ends', whenExactly(metadata.expiresAt, now, 'not known')],
  ['Refresh', metadata.refreshable ? 'by the broker' : 'not possible'],
  ['Last refresh', whenExactly(lastRefreshAt, now)],
  [
    'Last failure',
    lastError === null
      ? 'none'
      : html`<code>${lastError.error ?? lastError.class}</code> ${whenExactly(lastError.at, now)}`,
  ],
])}</section>`;
  });
}

function historyNotes({ visit: { href }, found: { grant, history } }: GrantPage): Markup {
  const audit = (filters: Record<string, string>) => href(`/console/audit${queryOf({ grant: grant.id, ...filters })}`);
  return html`<p class="help">${history?.isComplete === false ? 'Only the newest 100 events of each kind are shown. ' : null}<a href="${audit({})}">All events in the audit</a>, <a href="${audit({ action: 'credential.fetched' })}">fetches of this grant</a>.</p>`;
}
