import type { ChangePreview } from '../../broker/connections/change-preview.ts';
import type { Connection } from '../../domain/connections/connection.ts';
import type { ProviderTemplate } from '../../domain/connections/template.ts';
import { connectionPage } from '../../domain/console/console-pages.ts';
import type { Dependency } from '../../domain/workflows.ts';
import { html, type Markup } from '../../markup/html.ts';
import type { ActorNames } from '../audit/actor-names.ts';
import { managedNotice } from '../editing/edit-form.ts';
import { textField } from '../editing/form-parts.ts';
import { asCurl, hiddenFields } from '../layout/acts.ts';
import { notice } from '../layout/notices.ts';
import { isolated, ownerName } from '../layout/owner.ts';
import { table } from '../layout/table.ts';
import type { OrganizationVisit } from '../server/visit.ts';
import { counted, fetchersPanel, providerEnds } from './blast-radius.ts';
import type { EndingGrants, OwnedGrants } from './ending-grants.ts';
import type { RecentFetches } from './recent-fetches.ts';

export interface Deletion {
  visit: OrganizationVisit;
  connection: Connection;
  template: ProviderTemplate | undefined;
  effects: ChangePreview['effects'];
  grants: EndingGrants | null;
  /** Workflows of the owner; null if the visitor may not read them. */
  dependents: readonly Dependency[] | null;
  fetches: RecentFetches | null;
  names: ActorNames;
  /** Entity tag of the configuration, without quotes. */
  revision: string;
  /** Why the last attempt deleted nothing. */
  refusal?: Markup | undefined;
  typedFault?: string | undefined;
}

/** Shows what ends with a connection, and the form that deletes it. */
export function deletePage(deletion: Deletion): Markup {
  const { visit, connection, template, effects, fetches, names, revision, refusal, typedFault } = deletion;
  const { href, csrfField, actor, now, baseUrl } = visit;
  const { name } = connection;
  const place = { name, organizationId: actor.organizationId };
  const confirms = effects.workflowsDisabled > 0 || (deletion.dependents ?? []).length > 0;
  return html`<div class="title"><h1>Delete ${isolated(name)}</h1>
<a href="${href(connectionPage(place))}">Keep it, back to the connection</a></div>
${refusal === undefined ? null : notice('bad', refusal)}
${managedNotice(connection)}
<section class="panel bad"><h2>What ends</h2>
<ul class="effects">
<li>The connection ${isolated(name)} of ${ownerName(connection.organizationId)}, with its client secret.</li>
<li>${
    effects.grantsDisconnected === 0
      ? html`No working grant exists.`
      : html`<strong>${counted(effects.grantsDisconnected, 'working grant')} of ${counted(effects.organizationsDisconnected, 'owner')}</strong>. Callers get no token any more.`
  }</li>
${effects.authorizationsVoided === 0 ? null : html`<li>${counted(effects.authorizationsVoided, 'pending authorization')}: a person who is connecting now sees an error.</li>`}
<li>${
    effects.workflowsDisabled === 0
      ? html`No enabled workflow depends on it.`
      : html`<strong>${counted(effects.workflowsDisabled, 'workflow')}</strong> will be disabled.`
  }</li>
<li>${effects.revokedAtProvider ? html`The broker revokes the tokens at the provider.` : html`The broker revokes nothing at the provider.`}</li>
</ul></section>
${grantsPanel(deletion.grants)}
${workflowsPanel(deletion)}
${fetchersPanel(fetches, names, now)}
<section class="panel"><h2>At the provider</h2>${providerEnds(template, connection)}</section>
<form method="post" action="${href(connectionPage(place, 'delete'))}" class="panel fields wide">${csrfField}
${hiddenFields({ revision, workflows: confirms ? 'shown' : 'none' })}
<h2>Delete it for good</h2>
${textField({
  name: 'typed',
  label: 'Type the name of the connection',
  value: '',
  help: html`<code>${name}</code>. Nothing can bring the connection or its tokens back.`,
  fault: typedFault,
  required: true,
})}
<div class="act-row"><button class="bad">Delete the connection</button>
<a class="button quiet" href="${href(connectionPage(place))}">Keep it</a></div>
</form>
${asCurl({
  method: 'DELETE',
  baseUrl,
  path: `/connections/${name}${confirms ? '?confirm_disable_workflows=true' : ''}`,
  organizationId: connection.organizationId,
  ifMatch: `"${revision}"`,
})}`;
}

function grantsPanel(grants: EndingGrants | null): Markup | null {
  if (grants === null || grants.owners.length === 0) return null;
  return html`<section class="panel"><h2>Grants by organisation</h2>
${grants.isComplete ? null : html`<p class="soft">There are more grants than are counted here.</p>`}
${table<OwnedGrants>(
  [
    { label: 'Organisation', cell: ({ organizationId }) => ownerName(organizationId) },
    { label: 'Grants', cell: ({ grants: count }) => String(count) },
    { label: 'Working', cell: ({ working }) => String(working) },
  ],
  grants.owners,
  { caption: 'Grants by organisation', empty: '' },
)}</section>`;
}

function workflowsPanel({ dependents, effects }: Deletion): Markup | null {
  if (dependents === null || dependents.length === 0) return null;
  const others = effects.workflowsDisabled - dependents.length;
  return html`<section class="panel"><h2>Workflows that are disabled</h2>
<ul>${dependents.map(({ workflow }) => html`<li>${isolated(workflow.name ?? workflow.id)} <span class="soft">${workflow.id}</span></li>`)}</ul>
${others > 0 ? html`<p>And ${counted(others, 'workflow')} more.</p>` : null}</section>`;
}

/** Shown after the deletion. Its address can be reloaded. */
export function deletedPage({ href }: OrganizationVisit, name: string): Markup {
  return html`<div class="title"><h1>${isolated(name)} is deleted</h1></div>
${notice('good', 'The connection, its grants and its client secret are gone. Workflows that depended on it are disabled.')}
<p>What the provider does not confirm at once, the broker repeats until it does.</p>
<div class="act-row"><a class="button" href="${href('/console/connections')}">Connections</a>
<a class="button quiet" href="${href('/console/workflows')}">Workflows</a></div>`;
}

/** Shown for a form of a connection that is gone, such as the second of two clicks. */
export function gonePage({ href }: OrganizationVisit, name: string): Markup {
  return html`<div class="title"><h1>There is no connection ${isolated(name)}</h1></div>
<p role="alert">Nothing was deleted by this form. If you deleted the connection before, all is done.</p>
<p><a class="button" href="${href('/console/connections')}">Connections</a></p>`;
}
