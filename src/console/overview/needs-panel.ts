import { connectionPage } from '../../domain/console/console-pages.ts';
import type { BoundedCount, FleetNeeds, NeedCount } from '../../domain/ports/fleet.ts';
import { html, type Markup } from '../../markup/html.ts';
import { counted, numberText } from '../layout/numbers.ts';
import { isolated } from '../layout/owner.ts';
import { badge } from '../layout/status.ts';
import { queryOf } from '../layout/table.ts';
import { reasonTexts } from '../reasons/reason-texts.ts';
import { situationTexts } from '../reasons/situation-texts.ts';
import type { Visit } from '../server/visit.ts';

/** Groups that are listed. The others are the smallest, and the list of grants has them all. */
const maxGroups = 12;

type Links = Pick<Visit, 'href'>;

/** Lists what only a person can bring back, by reason and provider, each with its one next button. */
export function needsPanel({ href }: Links, { groups, neverConnected }: FleetNeeds): Markup {
  const grants = groups.reduce((sum, group) => sum + group.grants, 0);
  const isQuiet = grants === 0 && neverConnected.count === 0;
  return html`<section class="panel${isQuiet ? null : ' bad'}" aria-labelledby="needs">
<h2 id="needs">Needs a person${grants === 0 ? null : html` ${badge('bad', counted({ count: grants, isComplete: true }, 'grant'))}`}</h2>
${
  isQuiet
    ? html`<p class="quiet-line">Nothing needs a person.</p>`
    : html`<ul class="todo">
${groups.slice(0, maxGroups).map((group) => needItem(group, href))}${restItem(groups.slice(maxGroups), href)}${neverConnectedItem(neverConnected, href)}</ul>`
}
</section>`;
}

function needItem({ provider, reason, nextAction, grants, example }: NeedCount, href: Links['href']): Markup {
  const { title } = reason === null ? situationTexts.never_connected : reasonTexts[reason];
  const target =
    grants === 1 && example !== null
      ? {
          path: connectionPage({ name: example.connectionName, organizationId: example.organizationId }, 'why'),
          label: nextAction === 'authorize' ? 'Reconnect' : 'Correct',
        }
      : {
          path: `/console/grants${queryOf({ provider, status_reason: reason ?? undefined, next_action: nextAction })}`,
          label: `Show ${grants === 1 ? 'the grant' : `the ${numberText(grants)} grants`}`,
        };
  const which = example !== null && grants === 1 ? html` · ${isolated(example.connectionName)}` : null;
  return html`<li><div class="fact"><strong>${title}</strong> <span class="soft">${isolated(provider)}${which}</span>
<p>${instruction(reason, nextAction)}</p></div>
<a class="button" href="${href(target.path)}">${target.label}<span class="hidden">: ${title}, ${provider}</span></a></li>
`;
}

function instruction(reason: NeedCount['reason'], nextAction: NeedCount['nextAction']): string {
  const steps: Partial<Record<string, { text: string }>> = reason === null ? {} : reasonTexts[reason].steps;
  const general =
    nextAction === 'authorize'
      ? 'Let the person connect.'
      : 'An administrator must correct the connection, or import tokens.';
  return steps[nextAction]?.text ?? general;
}

function restItem(rest: readonly NeedCount[], href: Links['href']): Markup | null {
  if (rest.length === 0) return null;
  const grants = rest.reduce((sum, group) => sum + group.grants, 0);
  return html`<li><div class="fact"><strong>${counted({ count: grants, isComplete: true }, 'further grant')}</strong>
<p>They are in ${counted({ count: rest.length, isComplete: true }, 'smaller group')}.</p></div>
<a class="button" href="${href(`/console/grants${queryOf({ status: 'failed' })}`)}">Show all failed grants</a></li>
`;
}

function neverConnectedItem(connections: BoundedCount, href: Links['href']): Markup | null {
  if (connections.count === 0) return null;
  return html`<li><div class="fact"><strong>${counted(connections, 'connection was', 'connections were')} never connected</strong>
<p>Connect, or share a link with the person whose account it is.</p></div>
<a class="button" href="${href('/console/connections?status=not_connected')}">Show them</a></li>
`;
}
