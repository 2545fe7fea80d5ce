import type { ChangePreview } from '../../broker/connections/change-preview.ts';
import type { Connection } from '../../domain/connections/connection.ts';
import type { ProviderTemplate } from '../../domain/connections/template.ts';
import { connectionPage } from '../../domain/console/console-pages.ts';
import { html, type Markup } from '../../markup/html.ts';
import { asCurl, hiddenFields } from '../layout/acts.ts';
import { notice } from '../layout/notices.ts';
import { isolated } from '../layout/owner.ts';
import { table } from '../layout/table.ts';
import type { OrganizationVisit } from '../server/visit.ts';
import type { ConnectionBody, MemberChange } from './connection-input.ts';
import { type Draft, managedNotice } from './edit-form.ts';
import { checkboxField, faultNotice } from './form-parts.ts';
import { type FieldFaults, fieldNames } from './form-values.ts';
import { secretPart } from './secret-part.ts';

export interface Review {
  visit: OrganizationVisit;
  connection: Connection;
  template: ProviderTemplate;
  draft: Draft;
  /** Merge patch without the secret. */
  patch: ConnectionBody;
  changes: readonly MemberChange[];
  /** Null if the effects are not known before the secret is: the new settings need one, and none is stored. */
  preview: ChangePreview | null;
  faults: FieldFaults;
  wasSecretSent: boolean;
  /** Value of If-Match. */
  etag: string;
}

/** Shows what an edit changes and ends, before it happens. Its second button applies it. */
export function reviewPage(review: Review): Markup {
  const { visit, connection, draft, changes, preview, faults } = review;
  const { href, csrfField, actor } = visit;
  const place = { name: connection.name, organizationId: actor.organizationId };
  const disconnected = preview?.effects.grantsDisconnected ?? 0;
  return html`<div class="title"><h1>Review the changes of ${isolated(connection.name)}</h1></div>
${managedNotice(connection)}
${faultNotice(faults)}
<section class="panel"><h2>Changes</h2>
${table<MemberChange>(
  [
    { label: 'Field', cell: ({ field }) => html`<code>${field}</code>` },
    { label: 'Before', cell: (change) => ('changed' in change ? secretBefore(connection) : shown(change.from)) },
    { label: 'After', cell: (change) => ('changed' in change ? secretAfter(draft) : shown(change.to)) },
  ],
  changes,
  { caption: 'Fields that change', empty: html`<p>No field changes.</p>` },
)}</section>
<section class="panel${disconnected > 0 ? ' bad' : ''}"><h2>Effects</h2>
<ul class="effects">${effectsInWords(review).map((sentence) => html`<li>${sentence}</li>`)}</ul>
${(preview?.after?.warnings ?? []).map(({ code, message }) => notice('warn', html`${message} <code>${code}</code>`))}
</section>
<form method="post" action="${href(connectionPage(place, 'edit'))}" class="fields wide panel">${csrfField}
${carried(draft)}
<h2>Apply</h2>
${asksForSecret(review) ? secretPart({ ...review, values: draft.values, wasSent: review.wasSecretSent, isRequired: true }) : null}
${
  disconnected === 0
    ? null
    : checkboxField({
        name: 'confirm_disconnect',
        label: `Yes, end the tokens of ${counted(disconnected, 'working grant')}`,
        value: '',
        fault: faults.confirm_disconnect,
      })
}
<div class="act-row"><button name="do" value="apply"${disconnected > 0 ? html` class="bad"` : null}>Apply the changes</button>
<button name="do" value="show" class="quiet" formnovalidate>Back to the form</button></div>
</form>
${curlOfEdit(review)}`;
}

/** Hidden fields of a draft. A secret is no part of it. */
export function carried({ base, revision, values, secretChange }: Draft): Markup[] {
  return hiddenFields({ ...values, base: JSON.stringify(base), revision, secret_change: secretChange });
}

function asksForSecret({ draft, preview }: Review): boolean {
  return draft.secretChange === 'replace' || preview === null || preview.effects.clientSecretRequired;
}

function effectsInWords({ preview, draft, changes, connection }: Review): Markup[] {
  if (preview === null) return [html`The effects are checked when you apply the changes with the new secret.`];
  const { grantsDisconnected, organizationsDisconnected, authorizationsVoided } = preview.effects;
  const { workflowsDisabled, revokedAtProvider, clientSecretRequired } = preview.effects;
  const isOwn = preview.after?.connection.settings.flow === 'client_credentials';
  const changed = (...names: string[]) => changes.some(({ field }) => names.includes(field));
  const redirects = preview.after?.connection.configVersion !== preview.before?.connection.configVersion;
  const sentences: (Markup | false)[] = [
    grantsDisconnected > 0 &&
      html`<strong>${counted(grantsDisconnected, 'working grant')} of ${counted(organizationsDisconnected, 'owner')} ${
        grantsDisconnected === 1 ? 'loses its' : 'lose their'
      } tokens.</strong> ${isOwn ? 'The broker fetches a new token at once.' : 'A person must connect again. Until then callers get no token.'}`,
    redirects &&
      grantsDisconnected === 0 &&
      html`The change sends tokens elsewhere. No working grant exists, so none is lost.`,
    authorizationsVoided > 0 &&
      html`${counted(authorizationsVoided, 'pending authorization')} ${authorizationsVoided === 1 ? 'becomes' : 'become'} void: a person who is connecting now must start again.`,
    workflowsDisabled > 0 && html`${counted(workflowsDisabled, 'workflow')} will be disabled.`,
    revokedAtProvider && html`Tokens are revoked at the provider.`,
    clientSecretRequired &&
      html`<strong>The client secret is required</strong>, also if it stays the same: the change sends it elsewhere.`,
    !redirects && html`The tokens of every grant are kept.`,
    !redirects &&
      draft.secretChange === 'replace' &&
      connection.sealedClientSecrets !== null &&
      html`The old client secret stays beside the new one until the provider accepts the new one.`,
    draft.secretChange === 'remove' && html`The client proves itself without a secret from now on.`,
    !redirects &&
      changed('scopes', 'authorize_params', 'token_params') &&
      (isOwn
        ? html`The broker fetches a new token at once, with the new request.`
        : html`Scopes and parameters apply when a person connects the next time.`),
    !redirects &&
      changed('test_url', 'revocation_url') &&
      html`A host that is new here receives only tokens that are authorized or imported later.`,
  ];
  return sentences.filter((sentence) => sentence !== false);
}

function curlOfEdit({ visit, connection, draft, patch, preview, etag }: Review): Markup {
  const asksSecret = draft.secretChange === 'replace' || preview?.effects.clientSecretRequired !== false;
  const secret =
    draft.secretChange === 'remove' ? { client_secret: null } : asksSecret && { client_secret: '<client secret>' };
  const confirms = (preview?.effects.grantsDisconnected ?? 0) > 0;
  return asCurl({
    method: 'PATCH',
    baseUrl: visit.baseUrl,
    path: `/connections/${connection.name}${confirms ? '?confirm_disconnect=true' : ''}`,
    organizationId: connection.organizationId,
    ifMatch: etag,
    body: { ...patch, ...secret },
  });
}

/** Lists the texts that differ, for an edit whose effects are not known yet. */
export function textChanges({ base, values, secretChange }: Draft): MemberChange[] {
  const names = [...new Set([...fieldNames, ...Object.keys(base), ...Object.keys(values)])];
  const texts = names
    .map((field) => ({ field, from: base[field] || null, to: values[field] || null }))
    .filter(({ from, to }) => from !== to);
  return [...texts, ...(secretChange === 'keep' ? [] : [{ field: 'client_secret', changed: true } as const])];
}

const secretBefore = ({ sealedClientSecrets }: Connection) => (sealedClientSecrets === null ? none : html`stored`);
const secretAfter = ({ secretChange }: Draft) => (secretChange === 'remove' ? none : html`a new one`);
const none = html`<span class="soft">none</span>`;

/** A value of the API as a person reads it. */
export function shown(value: unknown): Markup {
  if (value === null || value === '') return none;
  if (typeof value === 'boolean') return html`${value ? 'yes' : 'no'}`;
  if (typeof value !== 'object') return html`<span class="value">${String(value)}</span>`;
  const lines = Array.isArray(value)
    ? value.map(String)
    : Object.entries(value).map(([name, member]) => `${name}=${String(member)}`);
  return lines.length === 0 ? none : html`${lines.map((line) => html`<span class="value">${line}</span> `)}`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
