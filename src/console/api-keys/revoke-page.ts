import { type ApiKey, callerIdOf } from '../../domain/callers/api-key.ts';
import { html, type Markup } from '../../markup/html.ts';
import { asCurl } from '../layout/acts.ts';
import { notice } from '../layout/notices.ts';
import { isolated } from '../layout/owner.ts';
import { pairs } from '../layout/table.ts';
import { whenExactly } from '../layout/time.ts';
import type { Visit } from '../server/visit.ts';
import { keysPath, revokePath } from './key-list.ts';
import { keyState, reachWords, rightsWords } from './key-words.ts';

/** Keys that the page names. The rest is counted. */
const maxNamed = 20;

/** Asks before a key is revoked, and says what ends with it. */
export function revokePage(visit: Visit, key: ApiKey, below: readonly ApiKey[]): Markup {
  const isOwn = callerIdOf(key.id) === visit.caller.id;
  return html`<p class="back"><a href="${visit.href(keysPath)}">API keys</a></p>
<div class="title"><h1>Revoke ${isolated(key.name)}</h1>${keyState(key, visit.now)}</div>
${isOwn ? notice('bad', 'You are signed in with this key. Your session ends when you revoke it.') : null}
<section class="panel bad" aria-labelledby="ends"><h2 id="ends">What ends</h2>
<ul>
<li>Every request with this key is refused at once, in every process. This cannot be undone.</li>
<li>Every session of the console that was opened with this key ends.</li>
<li>Grants and connections stay as they are.</li>
<li>${below.length === 0 ? 'It made no key that is active.' : html`It made ${below.length} active ${below.length === 1 ? 'key' : 'keys'}, also by way of others. They stay, unless you choose to revoke them too.`}</li>
</ul>
${below.length === 0 ? null : madeKeys(below)}
<form method="post" action="${visit.href(revokePath(key.id))}">${visit.csrfField}
${below.length === 0 ? null : html`<label class="check"><input type="checkbox" name="cascade">Also revoke the keys that it made, and theirs</label>`}
<div class="act-row"><button class="bad">Revoke the key</button><a class="button quiet" href="${visit.href(keysPath)}">Keep it</a></div></form>
</section>
<section class="panel" aria-labelledby="key"><h2 id="key">The key</h2>
${pairs([
  ['Id', html`<code>${key.id}</code>`],
  ['Rights', rightsWords(key)],
  ['For', reachWords(key)],
  ['Made', html`${whenExactly(key.createdAt, visit.now)} by ${isolated(key.createdBy)}`],
  ['Last used', whenExactly(key.lastUsedAt, visit.now)],
])}</section>
${asCurl({ method: 'DELETE', baseUrl: visit.baseUrl, path: `/admin/api-keys/${encodeURIComponent(key.id)}${below.length === 0 ? '' : '?cascade=true'}` })}`;
}

function madeKeys(below: readonly ApiKey[]): Markup {
  const rest = below.length - maxNamed;
  return html`<p>Keys that it made:</p><ul>${below.slice(0, maxNamed).map((key) => html`<li>${isolated(key.name)} <span class="soft">${rightsWords(key)}</span></li>`)}${rest > 0 ? html`<li>and ${rest} more</li>` : null}</ul>`;
}
