import type { PlannedRedirectUris } from '../../broker/redirect-uri.ts';
import { accessOf } from '../../domain/callers/access.ts';
import type { ProviderTemplate } from '../../domain/connections/template.ts';
import { fieldsOf, revocationEndsOf, type TemplateField } from '../../domain/connections/template-fields.ts';
import { html, type Markup } from '../../markup/html.ts';
import { asCurl, copyable } from '../layout/acts.ts';
import { isolated } from '../layout/owner.ts';
import { badge } from '../layout/status.ts';
import { pairs, table } from '../layout/table.ts';
import type { Visit } from '../server/visit.ts';
import { flowsWords, providersPath } from './provider-list.ts';
import { quirksOf } from './quirks.ts';

export function providerPage(visit: Visit, template: ProviderTemplate, uris: PlannedRedirectUris): Markup {
  const { href, baseUrl } = visit;
  const create = `/console/new-connection?${new URLSearchParams({ provider: template.id })}`;
  return html`<p class="back"><a href="${href(providersPath)}">Providers</a></p>
<div class="title"><h1>${isolated(template.displayName)}</h1>${
    visit.may(accessOf.createConnection)
      ? html`<a class="button" href="${href(create)}">New connection with it</a>`
      : null
  }</div>
${setUp(template, uris)}
<section aria-labelledby="fields"><h2 id="fields">Fields of a connection</h2>
${fieldTable(fieldsOf(template))}</section>
<div class="panels spaced">
<section class="panel" aria-labelledby="quirks"><h2 id="quirks">How it behaves</h2>
<ul>${quirksOf(template).map((quirk) => html`<li>${quirk}</li>`)}</ul></section>
<section class="panel" aria-labelledby="ends"><h2 id="ends">What revoking ends</h2>
<p>${revocationEndsOf(template)?.sentence ?? 'The broker asks the provider to revoke. What that ends is not documented.'}</p></section>
</div>
${facts(template)}
${asCurl({ method: 'GET', baseUrl, path: `/providers/${encodeURIComponent(template.id)}` })}`;
}

function setUp({ flows, setupNotes, documentationUrl }: ProviderTemplate, uris: PlannedRedirectUris): Markup {
  const links = documentationUrl !== null && /^https?:/.test(documentationUrl);
  return html`<section class="panel" aria-labelledby="set-up"><h2 id="set-up">Register a client</h2>
${setupNotes.length === 0 ? html`<p>Register a client at the provider, and note its id and its secret.</p>` : html`<ol>${setupNotes.map((note) => html`<li>${note}</li>`)}</ol>`}
${links ? html`<p><a href="${documentationUrl}" rel="noreferrer">Documentation of the provider</a></p>` : null}
${flows.includes('authorization_code') ? redirectUris(uris) : html`<p>No person is sent to this provider, so it needs no redirect URI.</p>`}
</section>`;
}

function redirectUris({ global, organization }: PlannedRedirectUris): Markup {
  return html`<h3>Redirect URI to register</h3>
${global === null ? null : html`<p>For a connection of the global scope:</p>${copyable(global)}`}
${organization === null ? null : html`<p>For a connection of the organisation:</p>${copyable(organization)}`}
<p class="help"><code>{connection_name}</code>${organization?.includes('{organization}') ? html` and <code>{organization}</code> stand` : ' stands'} for the name that you choose. The form for a new connection shows the whole address.</p>`;
}

function fieldTable(fields: readonly TemplateField[]): Markup {
  return table(
    [
      { label: 'Field', cell: ({ name }: TemplateField) => html`<code class="words">${name}</code>` },
      { label: 'Needed', cell: ({ required }) => (required ? badge('warn', 'Required') : badge('quiet', 'Optional')) },
      {
        label: 'Meaning',
        cell: ({ description, pattern }) =>
          html`${description}${pattern === null ? null : html`<br><span class="soft">Pattern <code>${pattern}</code></span>`}`,
      },
      {
        label: 'Default',
        cell: ({ default: preset }) =>
          preset === null ? html`<span class="soft">none</span>` : html`<code>${preset}</code>`,
      },
    ],
    fields,
    { caption: 'Fields of a connection', empty: 'A connection needs no field.' },
  );
}

function facts(template: ProviderTemplate): Markup {
  const address = (url: string | null) => (url === null ? null : html`<code>${url}</code>`);
  return html`<section class="panel" aria-labelledby="facts"><h2 id="facts">Addresses</h2>
${pairs([
  ['Id', html`<code>${template.id}</code>`],
  ['Ways to connect', flowsWords(template)],
  [
    'Default scopes',
    template.defaultScopes.length === 0 ? null : html`<code>${template.defaultScopes.join(' ')}</code>`,
  ],
  ['Authorization', address(template.authorizationUrl)],
  ['Token', address(template.tokenUrl)],
  ['Revocation', address(template.revocation?.url ?? null)],
  ['Test', address(template.test?.url ?? null)],
])}</section>`;
}
