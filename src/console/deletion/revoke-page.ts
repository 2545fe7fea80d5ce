import type { GrantView } from '../../broker/grants/grant-view.ts';
import type { Connection } from '../../domain/connections/connection.ts';
import type { ProviderTemplate } from '../../domain/connections/template.ts';
import { grantPage } from '../../domain/console/console-pages.ts';
import { html, type Markup } from '../../markup/html.ts';
import type { ActorNames } from '../audit/actor-names.ts';
import { actorName } from '../audit/actor-names.ts';
import { textField } from '../editing/form-parts.ts';
import { asCurl } from '../layout/acts.ts';
import { isolated, ownerName } from '../layout/owner.ts';
import { pairs, table } from '../layout/table.ts';
import { when, whenExactly } from '../layout/time.ts';
import type { OrganizationVisit } from '../server/visit.ts';
import { fetchersPanel, providerEnds } from './blast-radius.ts';
import type { RecentFetches } from './recent-fetches.ts';

/** Maximum characters of the reason, as in the API. */
export const maxReason = 500;

/** One grant that an act ends, with what depends on it. */
export interface EndingGrant {
  visit: OrganizationVisit;
  connection: Connection;
  grant: GrantView;
  template: ProviderTemplate | undefined;
  fetches: RecentFetches | null;
  names: ActorNames;
  /** Every grant that one revocation of this subject can end. */
  ofSubject: readonly GrantView[];
  /** Texts that were sent, with what is wrong with them. */
  sent?: { reason: string; typedFault?: string; reasonFault?: string };
  /** Result of the act before. */
  done?: Markup | null;
}

export const placeOf = (connection: Connection, { actor }: OrganizationVisit, { id }: GrantView) => ({
  connectionName: connection.name,
  organizationId: actor.organizationId,
  grantId: id,
});

/** Name of the person and the account of a grant. */
export function grantLabel({ subject, accountName, accountId }: GrantView): Markup {
  const account = accountName ?? accountId;
  return html`${subject === null ? 'no particular person' : isolated(subject)}${account === null ? null : html`, account ${isolated(account)}`}`;
}

/** Shows what a revocation ends, and the form that revokes. A revoked grant shows its revocation instead. */
export function revokePage(ending: EndingGrant): Markup {
  const { visit, connection, grant, template, names, done = null } = ending;
  const { href, now } = visit;
  const back = href(grantPage(placeOf(connection, visit, grant)));
  const title = html`<div class="title"><h1>${grant.revokedAt === null ? 'Revoke' : 'Revoked'}: ${grantLabel(grant)}</h1>
<a href="${back}">Back to the grant</a></div>`;
  if (grant.revokedAt === null)
    return html`${title}${done}${endsPanel(ending)}
<section class="panel"><h2>At the provider</h2>${providerEnds(template, connection)}</section>
${revokeForm(ending, back)}`;
  return html`${title}${done}
<section class="panel">${pairs([
    ['Connection', isolated(connection.name)],
    ['Revoked', whenExactly(grant.revokedAt, now)],
    ['By', grant.revokedBy === null ? null : actorName(grant.revokedBy, names)],
    ['Reason', grant.revokedReason === null ? null : isolated(grant.revokedReason)],
  ])}</section>
<p>The broker has forgotten the tokens. A person can connect again at any time.</p>`;
}

export function endsPanel({ visit, connection, grant, fetches, names }: EndingGrant): Markup {
  return html`<section class="panel bad"><h2>What ends</h2>
${pairs([
  ['Connection', isolated(connection.name)],
  ['Owner of the grant', ownerName(grant.organizationId)],
  ['Person and account', grantLabel(grant)],
  ['Last refresh', when(grant.lastRefreshAt, visit.now)],
])}
${
  grant.organizationId === null
    ? html`<p><strong>This is the shared grant.</strong> ${
        connection.settings.shareWithOrganizations
          ? 'Every organisation without a grant of its own loses its token.'
          : 'It is not shared with organisations.'
      }</p>`
    : null
}</section>
${fetchersPanel(fetches, names, visit.now)}`;
}

function revokeForm({ visit, connection, grant, ofSubject, sent }: EndingGrant, back: string): Markup {
  const { csrfField, href, baseUrl, actor } = visit;
  const { name } = connection;
  const selector = { subject: grant.subject, account_id: grant.accountId };
  return html`<form method="post" action="${href(grantPage(placeOf(connection, visit, grant), 'revoke'))}" class="panel fields wide">${csrfField}
<h2>Revoke it</h2>
${ofSubject.length > 1 ? accountsChoice(ofSubject, visit) : null}
${textField({
  name: 'reason',
  label: 'Reason',
  value: sent?.reason ?? '',
  help: 'Stays on record with the grant and in the audit trail.',
  fault: sent?.reasonFault,
})}
${typedName(connection, actor.organizationId === null, sent?.typedFault)}
<div class="act-row"><button class="bad">Revoke</button><a class="button quiet" href="${back}">Keep it</a></div>
</form>
${asCurl({
  method: 'POST',
  baseUrl,
  path: `/connections/${name}/revoke`,
  organizationId: actor.organizationId,
  body: { ...withoutNull(selector), reason: '<reason>' },
})}`;
}

function accountsChoice(ofSubject: readonly GrantView[], { now }: OrganizationVisit): Markup {
  return html`<fieldset><legend>Which grants</legend>
<label class="check"><input type="radio" name="accounts" value="one" checked> This one only</label>
<label class="check"><input type="radio" name="accounts" value="all"> All ${ofSubject.length} grants of this person:</label>
${table(
  [
    { label: 'Account', cell: (grant: GrantView) => grantLabel(grant) },
    { label: 'Last refresh', cell: ({ lastRefreshAt }) => when(lastRefreshAt, now) },
  ],
  ofSubject,
  { caption: 'Grants of this person', empty: '' },
)}</fieldset>`;
}

/** Asks for the name of the connection before an act that reaches every organisation. */
export function typedName({ name }: Connection, isGlobal: boolean, fault: string | undefined): Markup | null {
  if (!isGlobal) return null;
  return textField({
    name: 'typed',
    label: 'Type the name of the connection',
    value: '',
    help: html`<code>${name}</code>. The grant belongs to the global scope.`,
    fault,
    required: true,
  });
}

function withoutNull(members: Record<string, string | null>): Record<string, string> {
  return Object.fromEntries(Object.entries(members).filter((entry): entry is [string, string] => entry[1] !== null));
}
