import type { ProviderTemplate } from '../../domain/connections/template.ts';
import { html, type Markup } from '../../markup/html.ts';
import { hiddenFields } from '../layout/acts.ts';
import { searchAsYouType } from '../layout/live.ts';
import { notice } from '../layout/notices.ts';
import { queryOf } from '../layout/table.ts';
import type { Visit } from '../server/visit.ts';

export const newConnectionPath = '/console/new-connection';

/** Template for providers without a template of their own. */
export const genericTemplate = 'generic';

export interface Picker {
  visit: Pick<Visit, 'href' | 'nonce'>;
  q: string | undefined;
  organization: string | undefined;
  templates: readonly ProviderTemplate[];
  /** Ids of the templates that connections of this installation use, the most used first. */
  used: readonly string[];
  /** A provider of the address that has no template. */
  unknown: string | undefined;
}

/** First step of a new connection: which provider. */
export function templatePicker({ visit, q, organization, templates, used, unknown }: Picker): Markup {
  const { href, nonce } = visit;
  const path = href(newConnectionPath);
  const linkTo = (provider: string) => `${path}${queryOf({ provider, organization })}`;
  const named = templates.filter((template) => template.id !== genericTemplate && hasName(template, q ?? ''));
  const usedHere = used.flatMap((id) => named.filter((template) => template.id === id));
  return html`<div class="title"><h1>New connection</h1></div>
<p>Step 1 of 2: choose the provider. The template knows its addresses and its deviations from OAuth 2.0.</p>
${unknown === undefined ? null : notice('warn', html`There is no template <code>${unknown}</code>. Choose another one.`)}
<form class="filters" role="search" action="${path}" ${searchAsYouType({ id: 'templates', href: path, nonce })}>
${organization === undefined ? null : hiddenFields({ organization })}<label>Name of the provider <input type="search" name="q" value="${q ?? ''}" autocomplete="off"></label>
<button class="quiet">Search</button>
</form>
<div id="templates">
${usedHere.length === 0 ? null : html`<section><h2>Used here</h2>${tiles(usedHere, linkTo)}</section>`}
<section><h2>${usedHere.length === 0 ? 'Providers' : 'All providers'}</h2>
${
  named.length === 0
    ? html`<div class="empty"><p>No template has this name. “Another provider” below works with every provider of OAuth 2.0.</p></div>`
    : tiles(named, linkTo)
}</section>
<section class="panel other-provider"><h2>Another provider</h2>
<p>For a provider without a template. You need its authorization URL and its token URL.</p>
<p><a class="button quiet" href="${linkTo(genericTemplate)}">Use plain OAuth 2.0</a></p></section>
</div>`;
}

function tiles(templates: readonly ProviderTemplate[], linkTo: (id: string) => string): Markup {
  const sorted = [...templates].sort((one, other) => one.displayName.localeCompare(other.displayName));
  return html`<ul class="tiles">${sorted.map(
    ({ id, displayName }) =>
      html`<li><a href="${linkTo(id)}"><strong>${displayName}</strong> <span class="soft">${id}</span></a></li>`,
  )}</ul>`;
}

function hasName({ id, displayName, aliases }: ProviderTemplate, part: string): boolean {
  return [id, displayName, ...aliases].some((name) => name.toLowerCase().includes(part.trim().toLowerCase()));
}
