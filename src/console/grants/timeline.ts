import { html, type Markup } from '../../markup/html.ts';
import { type ActorNames, actorName } from '../audit/actor-names.ts';
import { detailList } from '../audit/details.ts';
import { isolated } from '../layout/owner.ts';
import { exactTime, whenExactly } from '../layout/time.ts';
import { type Folded, fold, spanOf } from './fold.ts';
import type { FutureEntry } from './future.ts';
import type { PastEntry } from './past.ts';

export interface Timeline {
  /** The latest first. */
  future: readonly FutureEntry[];
  /** Newest first. Null for a visitor who may not see it. */
  past: readonly PastEntry[] | null;
  names: ActorNames;
  now: Date;
}

/** One list from the last thing that will happen to the first that has happened, with the present between them. */
export function timeline({ future, past, names, now }: Timeline): Markup {
  return html`<ol class="timeline">
${future.map((entry) => futureItem(entry, now))}
<li class="present"><strong>Now</strong> <span class="soft exact">${exactTime(now)}</span></li>
${past === null ? null : fold(past).map((folded) => pastItem(folded, names, now))}
</ol>`;
}

function futureItem({ at, title, tone, detail }: FutureEntry, now: Date): Markup {
  const time = at <= now ? html`<span>due since ${whenExactly(at, now)}</span>` : whenExactly(at, now);
  return html`<li class="future ${tone}"><h3>${isolated(title)}</h3><p>${time}</p>${detail === null ? null : html`<p class="soft">${isolated(detail)}</p>`}</li>\n`;
}

function pastItem(folded: Folded<PastEntry>, names: ActorNames, now: Date): Markup {
  const [{ title, tone, actor, facts }] = folded;
  const by = actor === null ? null : html`<p class="soft">by ${actorName(actor, names)}</p>`;
  return html`<li class="past ${tone}"><h3>${isolated(title)}${folded.length > 1 ? html` × ${folded.length}` : null}</h3>${timesOf(folded, now)}${by}${detailList(facts)}${eachTime(folded)}</li>\n`;
}

function timesOf(folded: Folded<PastEntry>, now: Date): Markup {
  if (folded.length === 1) return html`<p>${whenExactly(folded[0].at, now)}</p>`;
  const { first, last } = spanOf(folded);
  return html`<p>last ${whenExactly(last, now)}</p><p>first ${whenExactly(first, now)}</p>`;
}

function eachTime(folded: Folded<PastEntry>): Markup | null {
  if (folded.length === 1) return null;
  return html`<details><summary>Each of the ${folded.length} times</summary><ul class="times">${folded.map(({ at }) => html`<li><time datetime="${at.toISOString()}">${exactTime(at)}</time></li>`)}</ul></details>`;
}
