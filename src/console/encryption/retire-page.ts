import type { BrokerError } from '../../domain/errors.ts';
import type { DataKeyUse } from '../../domain/ports/keys.ts';
import { html, type Markup } from '../../markup/html.ts';
import { asCurl } from '../layout/acts.ts';
import { notice } from '../layout/notices.ts';
import { isolated } from '../layout/owner.ts';
import { pairs } from '../layout/table.ts';
import { whenExactly } from '../layout/time.ts';
import type { Visit } from '../server/visit.ts';
import { encryptionPath, retirePath } from './encryption-page.ts';

/** Asks before a data key is removed. `refusal` says why the last try was refused. */
export function retirePage(visit: Visit, key: DataKeyUse, refusal: BrokerError<'data_key_in_use'> | null): Markup {
  const { href, now, baseUrl, csrfField } = visit;
  return html`<p class="back"><a href="${href(encryptionPath)}">Encryption</a></p>
<div class="title"><h1>Remove a data key</h1></div>
${refusal === null ? null : refusalNotice(refusal)}
<section class="panel bad" aria-labelledby="ends"><h2 id="ends">What ends</h2>
<ul><li>The broker checks first that no stored secret, no process and no unsaved token needs the key.</li>
<li>A backup of the database from before holds the key itself, and opens as it did.</li></ul>
${pairs([
  ['Data key', html`<code>${key.id}</code>`],
  ['Made', whenExactly(key.createdAt, now)],
  ['Sealed until', whenExactly(key.sealedUntil, now, 'it seals')],
  ['Wrapped with', html`<code>${key.keyEncryptionKeyId}</code>`],
])}
<form method="post" action="${href(retirePath(key.id))}">${csrfField}
<label class="check"><input type="checkbox" name="abandon_ended"><span>The data directories of ended processes are gone, with the unsaved tokens in them</span></label>
<div class="act-row"><button class="bad">Remove the data key</button><a class="button quiet" href="${href(encryptionPath)}">Keep it</a></div></form></section>
${asCurl({ method: 'DELETE', baseUrl, path: `/admin/encryption/data-keys/${encodeURIComponent(key.id)}` })}`;
}

function refusalNotice({ message, details }: BrokerError<'data_key_in_use'>): Markup {
  const { processes } = details;
  return html`${notice('bad', message)}
${
  processes.length === 0
    ? null
    : html`<ul>${processes.map(({ host, is_live: isLive }) => html`<li>${isolated(host)}: ${isLive ? 'running' : 'ended without notice'}</li>`)}</ul>`
}`;
}
