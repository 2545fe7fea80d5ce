import type { ListApiKeys } from '../../broker/callers/list-api-keys.ts';
import type { ExplainCredential } from '../../broker/credentials/explain-credential.ts';
import { accessOf } from '../../domain/callers/access.ts';
import type { ApiKey } from '../../domain/callers/api-key.ts';
import { connectionPage } from '../../domain/console/console-pages.ts';
import { BrokerError } from '../../domain/errors.ts';
import { html, type Markup } from '../../markup/html.ts';
import { asCurl } from '../layout/acts.ts';
import { needsPermission } from '../layout/notices.ts';
import { isolated, ownerName } from '../layout/owner.ts';
import { queryOf } from '../layout/table.ts';
import type { Pages } from '../server/page-route.ts';
import type { Visit } from '../server/visit.ts';
import { explainAsKey, explainAsSession } from './as-caller.ts';
import { explainForm } from './explain-form.ts';
import { apiQueryOf, type ExplainQuery, explainQuery, requestOf } from './explain-query.ts';
import { explained, type ProblemOf } from './explained.ts';

export interface ExplainUseCases {
  explainCredential: ExplainCredential;
  listApiKeys: ListApiKeys;
}

export function explainPages(pages: Pages, useCases: ExplainUseCases, problemOf: ProblemOf): void {
  pages.mount(
    { method: 'GET', path: '/explain', access: { for: 'session' }, query: explainQuery },
    async (visit, { query }) => ({
      title: 'Explain a fetch',
      section: 'explain',
      body: html`<div class="title"><h1>Explain a fetch</h1></div>
<p class="soft">Which token would a caller get now, and why? Nothing is fetched: the provider is not called and no token is shown.</p>
${await content(visit, query, useCases, problemOf)}`,
    }),
  );
}

async function content(
  visit: Visit,
  query: ExplainQuery,
  { explainCredential, listApiKeys }: ExplainUseCases,
  problemOf: ProblemOf,
): Promise<Markup> {
  if (!visit.may(accessOf.explainCredential)) return needsPermission('connections:read');
  const keys = visit.may(accessOf.listApiKeys) ? await listApiKeys(visit.caller) : [];
  const form = explainForm(visit, query, keys);
  const { name } = query;
  if (name === undefined) return form;
  const actor = visit.actorFor(accessOf.explainCredential);
  const request = requestOf(name, query);
  const key = keyOf(keys, query.caller);
  const fetch =
    key === null
      ? await explainAsSession(explainCredential, actor, request)
      : await explainAsKey(explainCredential, actor, key, request, visit.now);
  const place = { name, organizationId: actor.organizationId };
  const path = `/credentials/${encodeURIComponent(name)}/explain${queryOf(apiQueryOf(query))}`;
  return html`${form}
<p>For ${key === null ? 'this session' : html`the API key ${isolated(key.name)}`}, acting for ${ownerName(actor.organizationId)}: <a href="${visit.href(connectionPage(place))}">${isolated(name)}</a>.</p>
${explained(fetch, problemOf)}
${asCurl({ method: 'GET', baseUrl: visit.baseUrl, path, organizationId: actor.organizationId })}
${key === null ? null : html`<p class="help">The command explains for the key that it sends: set <code>TOKEN_BROKER_KEY</code> to that key.</p>`}
<p class="help">The address of this page holds the whole question. A colleague who may read this connection sees the same.</p>`;
}

/** A key that the visitor may not list is answered like one that does not exist. */
function keyOf(keys: readonly ApiKey[], id: string | undefined): ApiKey | null {
  if (id === undefined) return null;
  const key = keys.find((each) => each.id === id);
  if (key === undefined) throw BrokerError.of('not_found', 'There is no such API key among those that you may see.');
  return key;
}
