import type { NewApiKey } from '../../broker/callers/create-api-key.ts';
import type { ApiKey } from '../../domain/callers/api-key.ts';
import type { Secret } from '../../domain/secret.ts';
import { html, type Markup } from '../../markup/html.ts';
import { asCurl, copyable } from '../layout/acts.ts';
import { notice } from '../layout/notices.ts';
import { isolated } from '../layout/owner.ts';
import { pairs } from '../layout/table.ts';
import { whenExactly } from '../layout/time.ts';
import type { Visit } from '../server/visit.ts';
import { keysPath } from './key-list.ts';
import { reachWords, rightsWords } from './key-words.ts';
import { bodyOf } from './new-key-form.ts';

/** The only page that holds the secret of a key. */
export function createdKeyPage(
  visit: Visit,
  { apiKey, key }: { apiKey: ApiKey; key: Secret },
  input: NewApiKey,
): Markup {
  return html`<div class="title"><h1>Key made: ${isolated(apiKey.name)}</h1></div>
${notice('warn', 'Copy the key now. The broker stores only its hash, and no page shows the key again.')}
<section class="panel" aria-labelledby="key"><h2 id="key">The key</h2>
${copyable(key.reveal())}
<p class="help">A program sends it as <code>Authorization: Bearer …</code>. Reloading this page would make another key.</p></section>
<section class="panel" aria-labelledby="rights"><h2 id="rights">What it may do</h2>
${pairs([
  ['Id', html`<code>${apiKey.id}</code>`],
  ['Rights', rightsWords(apiKey)],
  ['For', reachWords(apiKey)],
  ['Ends', whenExactly(apiKey.expiresAt, visit.now)],
  ['Requests a minute', apiKey.rateLimitPerMinute],
])}</section>
<p class="act-row"><a class="button" href="${visit.href(keysPath)}">I have copied it</a></p>
${asCurl({ method: 'POST', baseUrl: visit.baseUrl, path: '/admin/api-keys', body: bodyOf(input) })}`;
}
