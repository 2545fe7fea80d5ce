import { html, type Markup } from '../../markup/html.ts';
import type { Page } from './page.ts';

/** Who must act next. A page never tells the person to mend what only an administrator can. */
export type Actor = 'you' | 'administrator' | 'nobody';

/** Text of one outcome: what happened, and what to do next. */
export interface OutcomeText {
  title: string;
  happened: Markup;
  actor: Actor;
  next: Markup;
}

const headings: Record<Actor, string> = {
  you: 'What you can do',
  administrator: 'What an administrator must do',
  nobody: 'What to do next',
};

export interface Card extends OutcomeText {
  /** Form below the facts, with one button. */
  form?: Markup;
  tone: 'good' | 'bad' | 'neutral';
  /** Appended to the title of the document, which tells several tabs apart. */
  subject: string | null;
  /** Things to know besides the outcome. */
  notes: Markup[];
  facts: Fact[];
}

export type Fact = readonly [label: string, value: Markup];

export function cardPage({ tone, title, subject, happened, actor, next, notes, facts, form }: Card): Page {
  const list = facts.map(([label, value]) => html`<dt>${label}</dt><dd>${value}</dd>\n`);
  const good = tone === 'good';
  return {
    title: subject === null ? title : `${title}: ${subject}`,
    body: html`<main class="card ${tone}">
<h1>${title}</h1>
<p class="happened" role="${good ? 'status' : 'alert'}">${happened}</p>
${notes.map((note) => html`<p class="note">${note}</p>\n`)}<section class="next">
<h2>${headings[actor]}</h2>
<p>${next}</p>
</section>
${facts.length === 0 ? null : html`<dl>\n${list}</dl>`}${form === undefined ? null : html`\n${form}`}
</main>`,
  };
}

/** Isolates a name: direction characters in it must not reorder the text around it. */
export function isolated(name: string): Markup {
  return html`<bdi>${name}</bdi>`;
}

/** Account name and id in separate isolates, so that the name cannot imitate another id. */
export function accountName({ id, name }: { id: string; name: string | null }): Markup {
  return name === null || name === id ? isolated(id) : html`${isolated(name)} (${isolated(id)})`;
}

const dateFormat = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'long',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  timeZone: 'UTC',
});

/** Time for people. The page runs no script, so it cannot know their time zone and names its own. */
export function time(at: Date): Markup {
  return html`<time datetime="${at.toISOString()}">${dateFormat.format(at)} UTC</time>`;
}

/** Facts that every page about a known authorization shows. */
export function subjectFacts(about: {
  connectionName: string;
  organizationId: string | null;
  provider: string;
}): Fact[] {
  return [
    ['Connection', isolated(about.connectionName)],
    [
      'Organisation',
      about.organizationId === null ? html`Shared by all organisations` : isolated(about.organizationId),
    ],
    ['Provider', isolated(about.provider)],
  ];
}
