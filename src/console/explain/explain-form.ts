import type { ApiKey } from '../../domain/callers/api-key.ts';
import { html, type Markup } from '../../markup/html.ts';
import { organizationField } from '../layout/organization-field.ts';
import type { Visit } from '../server/visit.ts';
import type { ExplainQuery } from './explain-query.ts';

export const explainPath = '/console/explain';

/** Form of a fetch. It sends its fields in the address. `keys`: those that the visitor may list. */
export function explainForm(visit: Visit, query: ExplainQuery, keys: readonly ApiKey[]): Markup {
  const { name, subject, account_id, min_ttl, scopes } = query;
  return html`<form class="filters panel" action="${visit.href(explainPath)}">
${organizationField({
  reach: visit.caller,
  value: query.organization,
  empty: visit.caller.global ? 'Global' : null,
})}
<label>Connection <input name="name" value="${name ?? ''}" required autocomplete="off"></label>
<label>Subject <input name="subject" value="${subject ?? ''}" autocomplete="off"></label>
<label>Account id <input name="account_id" value="${account_id ?? ''}" autocomplete="off"></label>
<label>min_ttl in seconds <input name="min_ttl" inputmode="numeric" pattern="[0-9]{1,10}" value="${min_ttl ?? ''}" autocomplete="off"></label>
<label>Scopes <input name="scopes" value="${scopes ?? ''}" autocomplete="off"></label>
${callerChoice(query.caller, keys)}
<button>Explain</button>
</form>`;
}

function callerChoice(chosen: string | undefined, keys: readonly ApiKey[]): Markup {
  return html`<label>Caller <select name="caller"><option value="">This session</option>${keys.map((key) =>
    option(key.id, key.revokedAt === null ? key.name : `${key.name} (revoked)`, chosen),
  )}</select></label>`;
}

function option(value: string, label: string, chosen: string | undefined): Markup {
  return html`<option value="${value}"${value === chosen ? html` selected` : null}>${label}</option>`;
}
