import type { SessionView } from '../../broker/sessions/list-sessions.ts';
import type { Caller } from '../../domain/callers/caller.ts';
import { absoluteLimitMs, idleLimitMs, type Session } from '../../domain/callers/session.ts';
import { html, type Markup } from '../../markup/html.ts';
import { act } from '../layout/acts.ts';
import { isolated } from '../layout/owner.ts';
import { permissionTexts } from '../layout/permission-texts.ts';
import { badge } from '../layout/status.ts';
import { pairs, table } from '../layout/table.ts';
import { when, whenExactly } from '../layout/time.ts';
import type { Visit } from '../server/visit.ts';
import { browserName } from './browser-name.ts';

export interface SessionsPage {
  visit: Visit;
  sessions: readonly SessionView[];
}

export function sessionsPage({ visit, sessions }: SessionsPage): Markup {
  const { href, csrfField, now } = visit;
  const columns = [
    {
      label: 'Opened',
      cell: ({ createdAt, isCurrent }: SessionView) =>
        html`${when(createdAt, now)}${isCurrent ? html` ${badge('good', 'This session')}` : null}`,
    },
    { label: 'Last request', cell: ({ lastSeenAt }: SessionView) => when(lastSeenAt, now) },
    {
      label: 'Address',
      cell: ({ address }: SessionView) => (address === null ? 'not known' : html`<code>${address}</code>`),
    },
    {
      label: 'Browser',
      cell: ({ agent }: SessionView) =>
        agent === null ? 'not known' : html`<bdi title="${agent}">${browserName(agent)}</bdi>`,
    },
  ];
  return html`<div class="title"><h1>Your sessions</h1></div>
${whoYouAre(visit)}
<section><div class="title"><h2>Sessions of ${isolated(visit.caller.name)}</h2>${act({
    action: href('/console/sessions/end-all'),
    label: 'Sign out everywhere',
    csrfField,
    tone: 'bad',
  })}</div>
<p class="soft">${whatEnds(visit.session)} The time of the last request can be 5 minutes old.</p>
${table(columns, sessions, { caption: 'Sessions, the latest request first', empty: html`<p>There is no session.</p>` })}
</section>`;
}

function whoYouAre({ caller, session, now }: Visit): Markup {
  const { createdAt } = session;
  return html`<section class="panel"><h2>Who you are</h2>
${pairs([
  ['Name', isolated(caller.name)],
  ['Signed in with', signedInWith(session)],
  ['Permissions', permissionsOf(caller)],
  ['For', reachOf(caller)],
  ['Session ends', whenExactly(new Date(createdAt.getTime() + absoluteLimitMs), now)],
  ['Or, without a request', `after ${idleLimitMs / 60_000} minutes`],
  ...(session.identity.kind === 'api_key'
    ? [['Key expires', whenExactly(caller.expiresAt, now, 'never')] as const]
    : []),
])}
</section>`;
}

function signedInWith({ identity, callerId }: Session): Markup {
  if (identity.kind === 'bootstrap') return html`ADMIN_API_KEY, the first key`;
  if (identity.kind === 'api_key') return html`an API key, <code>${callerId}</code>`;
  return html`${isolated(new URL(identity.issuer).host)}, in the role <code><bdi>${identity.role}</bdi></code>`;
}

function permissionsOf({ permissions }: Caller): Markup {
  if (permissions.length === 0) return html`nothing`;
  return html`<ul class="plain-list">${permissions.map(
    (permission) => html`<li>${permissionTexts[permission].meaning} <code class="soft">${permission}</code></li>`,
  )}</ul>`;
}

function reachOf({ organizations, global }: Caller): Markup {
  const named =
    organizations === '*'
      ? html`every organisation`
      : html`${organizations.map((id, at) => html`${at === 0 ? null : ', '}${isolated(id)}`)}`;
  return html`${named}${global ? ' and the global scope' : null}`;
}

function whatEnds({ identity }: Session): string {
  return identity.kind === 'person'
    ? 'Signing out everywhere ends your sessions in every browser.'
    : 'Signing out everywhere ends every session that was opened with this key. The key itself stays valid.';
}
