import type { Caller } from '../../domain/callers/caller.ts';
import type { Fault } from '../../domain/errors.ts';
import { html, type Markup } from '../../markup/html.ts';
import { notice } from '../layout/notices.ts';
import { permissionTexts } from '../layout/permission-texts.ts';
import { whenExactly } from '../layout/time.ts';
import type { Visit } from '../server/visit.ts';
import { keysPath } from './key-list.ts';
import type { KeyForm } from './new-key-form.ts';

export interface NewKeyPage {
  visit: Visit;
  form: KeyForm;
  /** By name of the field; a fault of no field stands above the form. */
  faults?: readonly Fault[];
}

/** Form for a new key. It offers what the visitor has. */
export function newKeyPage({ visit, form, faults = [] }: NewKeyPage): Markup {
  const { caller } = visit;
  const at = (field: string) => faultsAt(faults, field);
  return html`<p class="back"><a href="${visit.href(keysPath)}">API keys</a></p>
<div class="title"><h1>New API key</h1></div>
${faults.length === 0 ? null : notice('bad', 'No key was made. Correct the marked fields.')}
${generalFaults(faults)}
<form method="post" class="fields panel" action="${visit.href(keysPath)}">${visit.csrfField}
<label for="name">Name</label>${at('name')}
<input id="name" name="name" value="${form.name}" required maxlength="200" autocomplete="off" aria-describedby="name-help">
<p class="help" id="name-help">Names the program that uses the key. It stands in the audit trail.</p>
<fieldset><legend>Permissions</legend>${at('permissions')}
${caller.permissions.map((permission) => permissionChoice(permission, form.permissions.includes(permission)))}
</fieldset>
${reachFields(caller, form, at)}
<label for="connections">Connections whose tokens it may read</label>${at('connections')}
<textarea id="connections" name="connections" rows="2" autocomplete="off" spellcheck="false" aria-describedby="connections-help">${form.connections}</textarea>
<p class="help" id="connections-help">Names, separated by spaces or lines. <code>*</code> matches any characters: <code>crm*</code>. ${
    caller.connections === null
      ? 'Empty: every connection.'
      : html`Yours are <code>${caller.connections.join(' ')}</code>.`
  }</p>
<label for="expires_on">Last day (UTC)</label>${at('expires_on')}
<input id="expires_on" type="date" name="expires_on" value="${form.expires_on}" aria-describedby="expires-help">
<p class="help" id="expires-help">${
    caller.expiresAt === null
      ? 'Empty: the key has no end.'
      : html`The key ends with yours at the latest: ${whenExactly(caller.expiresAt, visit.now)}.`
  }</p>
<label for="rate_limit">Requests a minute</label>${at('rate_limit')}
<input id="rate_limit" name="rate_limit" value="${form.rate_limit}" inputmode="numeric" autocomplete="off" aria-describedby="rate-help">
<p class="help" id="rate-help">In each process of the broker. ${
    caller.rateLimitPerMinute === null ? 'Empty: no limit.' : `At most yours, ${caller.rateLimitPerMinute}.`
  }</p>
<button>Make the key</button>
</form>`;
}

function permissionChoice(permission: Caller['permissions'][number], isChosen: boolean): Markup {
  return html`<label class="check"><input type="checkbox" name="permissions" value="${permission}"${isChosen ? html` checked` : null}><span><code>${permission}</code><br><span class="soft">${permissionTexts[permission].meaning}</span></span></label>
`;
}

function reachFields({ organizations, global }: Caller, form: KeyForm, at: (field: string) => Markup[]): Markup {
  const box = (name: string, isChecked: boolean, label: string) =>
    html`<label class="check"><input type="checkbox" name="${name}"${isChecked ? html` checked` : null}>${label}</label>`;
  return html`<fieldset><legend>Where it may act</legend>
${organizations === '*' ? box('all_organizations', form.all_organizations, 'All organisations, also later ones') : null}
${global ? box('global', form.global, 'The global scope') : null}
<label for="organizations">${organizations === '*' ? 'Or these organisations' : 'Organisations'}</label>${at('organizations')}
<textarea id="organizations" name="organizations" rows="2" autocomplete="off" spellcheck="false" aria-describedby="organizations-help">${form.organizations}</textarea>
<p class="help" id="organizations-help">Ids, separated by spaces or lines.${organizations === '*' ? null : html` Yours: ${organizations.slice(0, 20).join(', ')}${organizations.length > 20 ? ' and others' : null}.`}</p>
</fieldset>`;
}

const fields = ['name', 'permissions', 'organizations', 'connections', 'expires_on', 'rate_limit'];

function faultsAt(faults: readonly Fault[], field: string): Markup[] {
  return faults
    .filter(({ path }) => path === field)
    .map(({ message }) => html`<p class="fault">${sentence(message)}</p>`);
}

function generalFaults(faults: readonly Fault[]): Markup[] {
  return faults
    .filter(({ path }) => !fields.includes(path))
    .map(({ message }) => html`<p class="fault">${sentence(message)}</p>`);
}

function sentence(message: string): string {
  return `${message.charAt(0).toUpperCase()}${message.slice(1)}${message.endsWith('.') ? '' : '.'}`;
}
