import { accessOf } from '../../domain/callers/access.ts';
import { isDrifted } from '../../domain/connections/connection.ts';
import { connectionPage } from '../../domain/console/console-pages.ts';
import { html, type Markup } from '../../markup/html.ts';
import { asCurl, copyable } from '../layout/acts.ts';
import { isolated, ownerName } from '../layout/owner.ts';
import { pairs } from '../layout/table.ts';
import { whenExactly } from '../layout/time.ts';
import { flowWords } from './frame-of-connection.ts';
import type { Shown } from './shown.ts';

/** Every setting that may be read. A client secret is not among them. */
export function settingsTab(shown: Shown): Markup {
  const { visit, place } = shown;
  const { name, organizationId } = place;
  return html`${editLinks(shown)}
<section class="panel"><h2>Redirect URI</h2><p>Register this address at the provider.</p>${copyable(shown.view.redirectUri)}</section>
<div class="panels">
${clientPanel(shown)}
${addressesPanel(shown)}
${requestPanel(shown)}
${rowPanel(shown)}
</div>
${asCurl({ method: 'GET', baseUrl: visit.baseUrl, path: `/connections/${name}`, organizationId })}`;
}

function editLinks({ visit, place, isOwner }: Shown): Markup | null {
  if (!isOwner || !visit.may(accessOf.patchConnection)) return null;
  return html`<div class="act-row"><a class="button" href="${visit.href(connectionPage(place, 'edit'))}">Edit</a><a class="button quiet" href="${visit.href(connectionPage(place, 'delete'))}">Delete</a></div>`;
}

type Row = readonly [label: string, value: Markup | string | number | null];

const yesNo = (value: boolean) => (value ? 'yes' : 'no');
const ofTemplate = html`<span class="soft">as the template says</span>`;

function clientPanel({ view: { connection } }: Shown): Markup {
  const { settings, sealedClientSecrets } = connection;
  return html`<section class="panel"><h2>Client</h2>${pairs([
    ['Provider', isolated(settings.provider)],
    ['Flow', html`${flowWords[settings.flow]} <code>${settings.flow}</code>`],
    ['Client id', isolated(settings.clientId)],
    ['Client secret', sealedClientSecrets === null ? 'none' : 'stored, and never shown'],
    ['Authentication', settings.tokenAuthMethod === null ? ofTemplate : html`<code>${settings.tokenAuthMethod}</code>`],
    ['PKCE', settings.pkce === null ? ofTemplate : yesNo(settings.pkce)],
    ['Several accounts', yesNo(settings.multiAccount)],
    ['Description', settings.description === null ? null : isolated(settings.description)],
  ])}</section>`;
}

function addressesPanel({ view }: Shown): Markup {
  const { settings } = view.connection;
  const address = (effective: string | null, own: string | null) =>
    effective === null
      ? null
      : html`${isolated(effective)}${own === null ? html` <span class="soft">(template)</span>` : null}`;
  return html`<section class="panel"><h2>Addresses in use</h2>${pairs([
    ['Authorization', address(view.authorizationUrl, settings.authorizationUrl)],
    ['Token', address(view.tokenUrl, settings.tokenUrl)],
    ['Revocation', address(view.revocationUrl, settings.revocationUrl)],
    ['Test', address(view.testUrl, settings.testUrl)],
    ['Placeholders', parameters(settings.variables)],
  ])}</section>`;
}

function requestPanel({ view: { connection }, isOwner }: Shown): Markup {
  const { settings } = connection;
  // The API hides them too: values may be meant for the owner's eyes alone.
  const ofOwner = (values: Record<string, string>) =>
    isOwner ? parameters(values) : html`<span class="soft">only the owner sees them</span>`;
  return html`<section class="panel"><h2>Requests</h2>${pairs([
    ['Scopes', list(settings.scopes)],
    ['Authorize parameters', ofOwner(settings.authorizeParams)],
    ['Token parameters', ofOwner(settings.tokenParams)],
    ['Final error codes', list(settings.terminalErrors)],
    [
      'Path of the error code',
      settings.errorPath === null ? ofTemplate : html`<code>${JSON.stringify(settings.errorPath)}</code>`,
    ],
  ])}</section>`;
}

function rowPanel({ view: { connection }, visit }: Shown): Markup {
  const { settings, organizationId } = connection;
  const globalRights: Row[] =
    organizationId === null
      ? [
          ['Shared grant for organisations', yesNo(settings.shareWithOrganizations)],
          ['Organisations may import', yesNo(settings.allowImport)],
        ]
      : [];
  const file: Row[] =
    settings.managedBy === null
      ? [['Kept in a file', 'no']]
      : [
          ['Kept in the file', isolated(settings.managedBy)],
          ['Edited besides the file', yesNo(isDrifted(connection))],
        ];
  return html`<section class="panel"><h2>Ownership</h2>${pairs([
    ['Organisation', ownerName(organizationId)],
    ...globalRights,
    ...file,
    ['Created', html`${whenExactly(connection.createdAt, visit.now)} by ${isolated(connection.createdBy)}`],
    ['Last edit', whenExactly(connection.updatedAt, visit.now)],
    ['Revision', connection.revision],
    ['Id', html`<code>${connection.id}</code>`],
  ])}</section>`;
}

function list(values: readonly string[]): Markup | null {
  return values.length === 0
    ? null
    : html`<ul class="plain-list">${values.map((each) => html`<li><code>${each}</code></li>`)}</ul>`;
}

function parameters(values: Record<string, string>): Markup | null {
  return list(Object.entries(values).map(([name, value]) => `${name}=${value}`));
}
