import type { ProviderTemplate } from '../../domain/connections/template.ts';
import { html, type Markup } from '../../markup/html.ts';
import { searchAsYouType } from '../layout/live.ts';
import { isolated } from '../layout/owner.ts';
import { table } from '../layout/table.ts';
import type { Visit } from '../server/visit.ts';

export const providersPath = '/console/providers';

export function providerPath(id: string): string {
  return `${providersPath}/${encodeURIComponent(id)}`;
}

/** Words of a flow, for lists. */
const flowWords: Record<ProviderTemplate['flows'][number], string> = {
  authorization_code: 'a person connects',
  client_credentials: 'client credentials',
  refresh_token: 'imported tokens',
};

export function flowsWords({ flows }: Pick<ProviderTemplate, 'flows'>): string {
  return flows.map((flow) => flowWords[flow]).join(', ');
}

export function providerList(
  { href, nonce }: Visit,
  q: string | undefined,
  found: readonly ProviderTemplate[],
): Markup {
  const list = href(providersPath);
  return html`<div class="title"><h1>Providers</h1></div>
<form class="filters" role="search" action="${list}" ${searchAsYouType({ id: 'list', href: list, nonce })}>
<label>Name <input type="search" name="q" value="${q ?? ''}" autocomplete="off"></label>
<button class="quiet">Search</button>
</form>
<div id="list">
<p class="help" role="status">${found.length} ${found.length === 1 ? 'template' : 'templates'}. A template fills in the addresses and the peculiarities of a provider.</p>
${table(
  [
    {
      label: 'Provider',
      cell: (template: ProviderTemplate) =>
        html`<a href="${href(providerPath(template.id))}">${isolated(template.displayName)}</a>`,
    },
    {
      label: 'Id',
      cell: ({ id, aliases }) =>
        html`<code>${id}</code>${aliases.length === 0 ? null : html`<br><span class="soft">also ${aliases.join(', ')}</span>`}`,
    },
    { label: 'Ways to connect', cell: flowsWords },
    { label: 'Refresh token', cell: refreshWords },
  ],
  found,
  {
    caption: 'Provider templates',
    empty: html`<p>No template has that name. The template <a href="${href(providerPath('generic'))}">generic</a> works with every provider of OAuth 2.0: give the connection its addresses.</p>`,
  },
)}
</div>`;
}

function refreshWords({ refreshToken: { lifetimeDays, idleDays } }: ProviderTemplate): Markup {
  if (lifetimeDays !== null) return html`ends after ${lifetimeDays} days`;
  if (idleDays !== null) return html`ends after ${idleDays} days without use`;
  return html`<span class="soft">no end is known</span>`;
}
