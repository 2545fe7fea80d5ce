import { type Caller, impliedOrganization } from '../../domain/callers/caller.ts';
import type { OrganizationId } from '../../domain/connections/connection.ts';
import { html, type Markup } from '../../markup/html.ts';
import { asCurl, copyable, hiddenFields } from '../layout/acts.ts';
import type { Visit } from '../server/visit.ts';
import { advancedFields, type FormContext, neededFields } from './connection-fields.ts';
import type { ConnectionBody } from './connection-input.ts';
import { faultNotice, selectField, textField } from './form-parts.ts';
import { keyFieldName, keyPart, secretPart } from './secret-part.ts';
import { newConnectionPath } from './template-picker.ts';

export interface NewConnectionForm extends FormContext {
  visit: Pick<Visit, 'href' | 'csrfField' | 'baseUrl' | 'caller'>;
  name: string;
  /** Whether the name can be one: only then the redirect URI is the real one. */
  isName: boolean;
  organization: string;
  redirectUri: string;
  wasSecretSent: boolean;
  /** Body of the call that creates the connection; null if the form cannot be read. It holds no secret. */
  body: ConnectionBody | null;
}

/** Second step of a new connection: only what this template needs, and the rest below "Advanced". */
export function newConnectionForm(form: NewConnectionForm): Markup {
  const { visit, template, faults, name, isName, organization, redirectUri, body } = form;
  const { href, csrfField, caller, baseUrl } = visit;
  const secret = { ...form, wasSent: form.wasSecretSent };
  return html`<div class="title"><h1>New connection: ${template.displayName}</h1>
<a href="${href(newConnectionPath)}">Choose another provider</a></div>
${faultNotice(faults)}
<form method="post" action="${href(newConnectionPath)}" class="fields wide">${csrfField}
${hiddenFields({ provider: template.id })}
<section class="panel"><h2>1. Name</h2>
${organizationPart(caller, organization, faults.organization)}
${textField({
  name: 'connection_name',
  label: 'Connection name',
  value: name,
  help: 'Letters, digits, hyphen and underscore. Callers fetch tokens by it. It cannot change later.',
  fault: faults.connection_name,
  required: true,
})}
<button name="do" value="redirect_uri" class="quiet" formnovalidate>Show the redirect URI</button>
</section>
<section class="panel"><h2>2. Register the client at the provider</h2>
${!isName ? html`<p>The redirect URI depends on the organisation and the name. It looks like this:</p>` : html`<p>Register this redirect URI:</p>`}
${!isName ? html`<pre tabindex="0"><code>${redirectUri}</code></pre>` : copyable(redirectUri)}
${setUpNotes(form)}
</section>
<section class="panel"><h2>3. Client</h2>
${neededFields(form, secretPart(secret))}
${advancedFields(form, { without: ['provider'], key: keyPart(secret), isKeyAtFault: faults[keyFieldName] !== undefined })}
<button name="do" value="create">Create connection</button>
</section>
</form>
${body === null ? null : curlOfCreation(baseUrl, organization === '' ? null : organization, body)}`;
}

function setUpNotes({ template }: FormContext): Markup {
  const { setupNotes, documentationUrl } = template;
  return html`${setupNotes.length === 0 ? null : html`<ol class="notes">${setupNotes.map((note) => html`<li>${note}</li>`)}</ol>`}${
    documentationUrl === null
      ? null
      : html`<p><a href="${documentationUrl}" rel="noreferrer noopener" target="_blank">Documentation of ${template.displayName}</a></p>`
  }`;
}

function curlOfCreation(baseUrl: string, organizationId: OrganizationId, body: ConnectionBody): Markup {
  const shown = { ...body, client_secret: '<client secret>' };
  return asCurl({ method: 'POST', baseUrl, path: '/connections', organizationId, body: shown });
}

/** The owner of a new connection, among those that the visitor may act for. Empty is the global scope. */
function organizationPart(caller: Caller, value: string, fault: string | undefined): Markup {
  const { organizations, global } = caller;
  const part = { name: 'organization', label: 'Organisation', value, fault };
  if (organizations === '*') {
    const help = global ? 'Empty: a global connection, which every organisation can use.' : 'Its id.';
    return textField({ ...part, help, required: !global });
  }
  const choices = [
    ...(global ? [{ value: '', label: 'Global: every organisation can use it' }] : []),
    ...organizations.map((id) => ({ value: id, label: id })),
  ];
  return selectField({ ...part, choices });
}

/** Owner that the form begins with. */
export function firstOwner(caller: Caller, named: string | undefined): string {
  return named ?? impliedOrganization(caller) ?? '';
}
