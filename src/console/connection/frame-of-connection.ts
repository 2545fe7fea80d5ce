import { isDrifted } from '../../domain/connections/connection.ts';
import { type ConnectionPart, connectionPage } from '../../domain/console/console-pages.ts';
import { html, type Markup } from '../../markup/html.ts';
import { live } from '../layout/live.ts';
import { notice } from '../layout/notices.ts';
import { isolated, ownerName } from '../layout/owner.ts';
import { connectionBadge } from '../layout/status.ts';
import type { PageAnswer } from '../server/page-route.ts';
import type { Shown } from './shown.ts';

const tabs = [
  [undefined, 'State'],
  ['grants', 'Grants'],
  ['timeline', 'Timeline'],
  ['dependants', 'Dependants'],
  ['settings', 'Settings'],
  ['use', 'Use it'],
] as const satisfies readonly (readonly [ConnectionPart | undefined, string])[];

/** A page of the connection with its tabs. Null is a page below them. */
export type Tab = (typeof tabs)[number][0] | null;

export interface ConnectionBody {
  shown: Shown;
  tab: Tab;
  title?: string;
  /** Result of an act. It stays when the rest of the page is brought up to date. */
  result?: Markup | null;
  body: Markup;
  /** Part of a page that brings itself up to date. Left out, the page stays as it is. */
  follows?: 'why' | undefined;
  isLive?: boolean;
}

/** Writes a page of one connection: its name, its state, what is special about it, the tabs, and the page's own part. */
export function connectionAnswer({
  shown,
  tab,
  title,
  result,
  body,
  follows,
  isLive = false,
}: ConnectionBody): PageAnswer {
  const { visit, place } = shown;
  const inner = html`${stateLine(shown)}
${notices(shown)}
${tabLinks(shown, tab)}
${body}`;
  const { name } = place;
  const href = visit.href(connectionPage(place, follows));
  return {
    title: title ?? name,
    section: 'connections',
    body: html`<p class="crumbs"><a href="${visit.href('/console/connections')}">Connections</a></p>
<h1 class="name">${isolated(name)}</h1>
${result}
${isLive ? live({ id: 'connection', href, nonce: visit.nonce, body: inner }) : inner}`,
  };
}

function stateLine({ view, visit }: Shown): Markup {
  const { settings, organizationId } = view.connection;
  return html`<p class="state-line">${connectionBadge(view, visit.now)}
<span>${isolated(settings.provider)}</span> <span>${flowWords[settings.flow]}</span> <span>${ownerName(organizationId)}</span></p>
${settings.description === null ? null : html`<p class="soft">${isolated(settings.description)}</p>`}`;
}

export const flowWords = {
  authorization_code: 'a person connects',
  client_credentials: 'client credentials',
  refresh_token: 'imported tokens',
} as const;

function notices({ visit, place, view, isOwner, hidesGlobal }: Shown): Markup {
  const { connection } = view;
  const global = visit.href(connectionPage({ name: place.name, organizationId: null }));
  const linked = (text: string) => (visit.actor.caller.global ? html`<a href="${global}">${text}</a>` : html`${text}`);
  return html`${
    isOwner
      ? null
      : notice(
          'quiet',
          html`This is the ${linked('global connection')}, as ${ownerName(place.organizationId)} sees it. Only the global scope changes it.`,
        )
  }${hidesGlobal ? notice('quiet', html`It hides the ${linked('global connection')} of the same name from this organisation.`) : null}${managedNotice(connection)}`;
}

function managedNotice(connection: Shown['view']['connection']): Markup | null {
  const { managedBy } = connection.settings;
  if (managedBy === null) return null;
  return isDrifted(connection)
    ? notice(
        'warn',
        html`The file ${isolated(managedBy)} keeps this connection, and it was edited by other means since. The next application of the file undoes that edit.`,
      )
    : notice(
        'quiet',
        html`The file ${isolated(managedBy)} keeps this connection. Change it there: an edit here is undone by its next application.`,
      );
}

function tabLinks({ visit, place }: Shown, tab: Tab): Markup {
  return html`<nav aria-label="Connection"><ul class="tabs">${tabs.map(
    ([part, label]) =>
      html`<li><a href="${visit.href(connectionPage(place, part))}"${part === tab ? html` aria-current="page"` : null}>${label}</a></li>`,
  )}</ul></nav>`;
}
