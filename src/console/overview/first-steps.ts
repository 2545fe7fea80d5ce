import type { Attention } from '../../broker/administration/overview/read-attention.ts';
import { accessOf } from '../../domain/callers/access.ts';
import { impliedOrganization } from '../../domain/callers/caller.ts';
import { html, type Markup } from '../../markup/html.ts';
import { copyable, curlOf } from '../layout/acts.ts';
import type { Visit } from '../server/visit.ts';
import { attentionPanel } from './attention-panel.ts';
import { eventsPanel, type LatestEvents } from './events-panel.ts';

export interface EmptyInstallation {
  attention: Attention;
  latest: LatestEvents;
}

const newConnection = {
  connection_name: 'gmail',
  provider: 'google-gmail',
  client_id: 'YOUR_CLIENT_ID',
  client_secret: 'YOUR_CLIENT_SECRET',
  scopes: ['https://www.googleapis.com/auth/gmail.readonly'],
};

/** Shows the way from nothing to a token, with the addresses of this installation. */
export function firstSteps(visit: Visit, { attention, latest }: EmptyInstallation): Markup {
  const { href, baseUrl, caller } = visit;
  const place = { baseUrl, organizationId: impliedOrganization(caller) };
  return html`<div class="title"><h1>Overview</h1></div>
<section class="panel" aria-labelledby="steps">
<h2 id="steps">Three steps to the first token</h2>
<p>There is no connection yet. The calls below read a key from <code>TOKEN_BROKER_KEY</code>.</p>
<ol class="steps">
<li><h3>Create a connection</h3>
<p>The provider’s developer console gives the client id and secret. A template fills in the URLs.</p>
${visit.may(accessOf.createConnection) ? html`<p><a class="button" href="${href('/console/new-connection')}">New connection</a></p>` : null}
${copyable(curlOf({ ...place, method: 'POST', path: '/connections', body: newConnection }))}
<p>Register the <code>redirect_uri</code> of the response at the provider.</p></li>
<li><h3>Connect an account</h3>
<p>Open <code>authorization_url</code> of the response in a browser, and sign in.</p>
${copyable(curlOf({ ...place, method: 'POST', path: '/connections/gmail/authorize' }))}</li>
<li><h3>Fetch a token</h3>
<p>Any service with a key asks this whenever it needs a token. The broker keeps it alive.</p>
${copyable(curlOf({ ...place, method: 'GET', path: '/credentials/gmail' }))}</li>
</ol>
</section>
${attentionPanel(visit, attention)}
${eventsPanel(visit, latest)}`;
}
