import { html, type Markup } from '../../markup/html.ts';
import { copyable } from '../layout/acts.ts';
import type { Shown } from './shown.ts';
import { clientExample, commandExample, curlExample, type Example, keyVariable } from './use-examples.ts';

/** How a caller gets a token of this connection, with the real names. */
export function useTab({ visit, place, view, why }: Shown): Markup {
  const example: Example = { ...place, baseUrl: visit.baseUrl, apiUrl: view.testUrl };
  return html`<p class="soft">${why.callersGet.text}</p>
<p>Each example reads an API key with the permission <code>credentials:read</code> from the variable <code>${keyVariable}</code>.</p>
<section class="panel"><h2>curl</h2>${copyable(curlExample(example))}
<p class="help">The response has <code>access_token</code>. Fetch it again when you need it: the broker keeps it fresh.</p></section>
<section class="panel"><h2>TypeScript client</h2>${copyable(clientExample(example))}
<p class="help">${view.testUrl === null ? 'Put the address of the provider’s API in place of api.example.com. ' : ''}The client sends the token, keeps it in memory, and fetches a new one before it ends. Install <code>@token-broker/client</code>.</p></section>
<section class="panel"><h2>Command line</h2>${copyable(commandExample(example))}
<p class="help">The token is masked. <code>--reveal</code> prints it alone. In this repository the command is <code>npx token-broker</code>.</p></section>
<p><a href="${visit.href('/docs')}">All calls of the API</a></p>`;
}
