import { type Connection, isDrifted } from '../../domain/connections/connection.ts';
import { connectionPage } from '../../domain/console/console-pages.ts';
import { html, type Markup } from '../../markup/html.ts';
import { hiddenFields } from '../layout/acts.ts';
import { notice } from '../layout/notices.ts';
import { isolated, ownerName } from '../layout/owner.ts';
import type { OrganizationVisit } from '../server/visit.ts';
import { advancedFields, type FormContext, neededFields, providerField } from './connection-fields.ts';
import { type Choice, faultNotice } from './form-parts.ts';
import type { FormValues } from './form-values.ts';

export const secretChanges = ['keep', 'replace', 'remove'] as const;
export type SecretChange = (typeof secretChanges)[number];

/** An edit on its way through the pages. The pages carry all of it, so that no draft is stored. It holds no secret. */
export interface Draft {
  /** Texts of the configuration that the edit began with. */
  base: FormValues;
  /** Entity tag of that configuration. */
  revision: string;
  values: FormValues;
  secretChange: SecretChange;
}

export interface EditForm extends FormContext {
  visit: OrganizationVisit;
  connection: Connection;
  draft: Draft;
  /** Message above the form. */
  message?: Markup | null;
}

/** The form of an edit. Its button asks for a review and changes nothing. */
export function editForm(form: EditForm): Markup {
  const { visit, connection, draft, faults, message = null } = form;
  const { href, csrfField, actor } = visit;
  const place = { name: connection.name, organizationId: actor.organizationId };
  return html`<div class="title"><h1>Edit ${isolated(connection.name)}</h1>
<a href="${href(connectionPage(place))}">Back to the connection</a></div>
<p>Owner: ${ownerName(connection.organizationId)}. The name and the owner cannot change.</p>
${managedNotice(connection)}
${message}
${faultNotice(faults)}
<form method="post" action="${href(connectionPage(place, 'edit'))}" class="fields wide">${csrfField}
${hiddenFields({ base: JSON.stringify(draft.base), revision: draft.revision })}
<section class="panel"><h2>Client</h2>
${neededFields(form, secretChoice(connection, draft.secretChange))}
<button name="do" value="review">Review the changes</button>
</section>
<section class="panel"><h2>More</h2>
<details class="advanced"><summary>Another provider</summary>
${providerField(form)}
<p class="help">A change of the provider ends every token of the connection.</p>
<button name="do" value="show" class="quiet">Show the fields of this provider</button></details>
${advancedFields(form, { without: ['provider'], key: html``, isKeyAtFault: false })}
<button name="do" value="review">Review the changes</button>
</section>
</form>`;
}

/** Says that the next application of the file undoes an edit by hand. */
export function managedNotice(connection: Connection): Markup | null {
  const { managedBy } = connection.settings;
  if (managedBy === null) return null;
  const drift = isDrifted(connection) ? ' It was edited by other means since the file was applied.' : '';
  return notice(
    'warn',
    html`This connection is kept in the file ${isolated(managedBy)}.${drift} The next application of the file undoes what you change here: change the file too.`,
  );
}

/**
 * The form has no field for a secret, only this choice. The review asks for the secret right above its button, so a
 * person types it once, and no page has to carry it from the form to the change.
 */
function secretChoice({ sealedClientSecrets }: Connection, chosen: SecretChange): Markup {
  const isStored = sealedClientSecrets !== null;
  const choices: Choice[] = [
    { value: 'keep', label: isStored ? 'Keep the stored one' : 'There is none, and none is added' },
    { value: 'replace', label: `${isStored ? 'Replace' : 'Add'} it: the review asks for it` },
    ...(isStored ? [{ value: 'remove', label: 'Remove it' }] : []),
  ];
  return html`<fieldset><legend>Client secret</legend>${choices.map(
    ({ value, label }) =>
      html`<label class="check"><input type="radio" name="secret_change" value="${value}"${value === chosen ? html` checked` : null}> ${label}</label>`,
  )}</fieldset>`;
}
