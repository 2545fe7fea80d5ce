import type { Attention } from '../../broker/administration/overview/read-attention.ts';
import { html, type Markup } from '../../markup/html.ts';
import { badge } from '../layout/status.ts';
import type { Visit } from '../server/visit.ts';
import { type AttentionItem, attentionItems } from './attention-items.ts';

/** Lists what is about to break: each a sentence, what to do, and a link. */
export function attentionPanel({ href, now }: Pick<Visit, 'href' | 'now'>, attention: Attention): Markup {
  const items = attentionItems(attention, now);
  const tone = items.some((item) => item.tone === 'bad') ? 'bad' : 'warn';
  return html`<section class="panel${items.length === 0 ? null : ` ${tone}`}" aria-labelledby="attention">
<h2 id="attention">Needs attention${items.length === 0 ? null : html` ${badge(tone, String(items.length))}`}</h2>
${
  items.length === 0
    ? html`<p class="quiet-line">Nothing needs attention.</p>`
    : html`<ul class="todo">\n${items.map((item) => attentionItem(item, href))}</ul>`
}${
  attention.installation === null
    ? html`<p class="help">The queue, workers, circuits and keys are shown to callers that reach the whole installation.</p>`
    : null
}
</section>`;
}

function attentionItem({ kind, tone, fact, next, link }: AttentionItem, href: Visit['href']): Markup {
  return html`<li class="${tone}" data-kind="${kind}"><div class="fact"><strong>${fact}</strong>
<p>${next}</p></div>
<a class="button quiet" href="${href(link.path)}">${link.label}</a></li>
`;
}
