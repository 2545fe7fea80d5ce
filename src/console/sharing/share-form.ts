import { connectionPage } from '../../domain/console/console-pages.ts';
import { html, type Markup } from '../../markup/html.ts';
import type { Shown } from '../connection/shown.ts';
import { asCurl } from '../layout/acts.ts';
import { notice } from '../layout/notices.ts';
import { type Faults, lifetimes, type TypedForm } from './share-wishes.ts';

interface Field {
  name: keyof TypedForm;
  label: string;
  help: string;
}

/** The form that makes a link. It keeps what was typed if something is wrong. */
export function shareForm(shown: Shown, typed: TypedForm, faults: Faults): Markup {
  const { visit, place, view } = shown;
  if (view.connection.settings.flow !== 'authorization_code') {
    return notice('quiet', 'No person connects this connection, so there is no link to share.');
  }
  const action = visit.href(connectionPage(place, 'share'));
  return html`<h2>Share a link</h2>
<p>Another person opens the link, signs in at the provider, and the connection works. They need no access to this console.</p>
${Object.keys(faults).length === 0 ? null : notice('bad', 'No link was made. Correct the marked fields.')}
<form method="post" action="${action}" class="panel fields narrow">${visit.csrfField}
${fields.map((field) => textField(field, typed[field.name], faults[field.name]))}
<label for="expires_in">The link works for</label>
<select id="expires_in" name="expires_in">${lifetimes.map(
    ([seconds, label]) =>
      html`<option value="${seconds}"${seconds === typed.expires_in ? html` selected` : null}>${label}</option>`,
  )}</select>
${faultText('expires_in', faults.expires_in)}
<button>Make a link</button>
</form>
${asCurl({
  method: 'POST',
  baseUrl: visit.baseUrl,
  path: `/connections/${place.name}/authorize`,
  organizationId: place.organizationId,
  body: { expires_in: Number(lifetimes[0][0]) },
})}`;
}

const fields: readonly Field[] = [
  {
    name: 'subject',
    label: 'Subject (optional)',
    help: 'Id of the person on your platform. Leave it empty for the one grant that all callers share.',
  },
  { name: 'subject_label', label: 'Name of the subject (optional)', help: 'Shown to the person before the provider.' },
  {
    name: 'account_id',
    label: 'Account at the provider (optional)',
    help: 'Only this account is accepted. Leave it empty to accept any.',
  },
  {
    name: 'login_hint',
    label: 'Login hint (optional)',
    help: 'Account that the provider offers first, such as an email address.',
  },
  {
    name: 'return_url',
    label: 'Return URL (optional)',
    help: 'Address that the person is sent to afterwards. ALLOWED_RETURN_URLS must allow it.',
  },
];

function textField({ name, label, help }: Field, value: string, fault: string | undefined): Markup {
  const invalid = fault === undefined ? null : html` aria-invalid="true"`;
  const described = fault === undefined ? `${name}-help` : `${name}-fault ${name}-help`;
  return html`<label for="${name}">${label}</label>
<input id="${name}" name="${name}" value="${value}" autocomplete="off" aria-describedby="${described}"${invalid}>
${faultText(name, fault)}<p class="help" id="${name}-help">${help}</p>
`;
}

function faultText(name: string, fault: string | undefined): Markup | null {
  return fault === undefined ? null : html`<p class="fault" id="${name}-fault">This field ${fault}.</p>`;
}
