import type { AuthorizationProgress } from '../../broker/authorizations/follow-authorization.ts';
import type { StartedAuthorization } from '../../broker/authorizations/start-authorization.ts';
import { connectionPage } from '../../domain/console/console-pages.ts';
import { html, type Markup } from '../../markup/html.ts';
import type { Shown } from '../connection/shown.ts';
import { asCurl, copyable, hiddenFields } from '../layout/acts.ts';
import { isolated } from '../layout/owner.ts';
import { badge, nextActionWords, type Tone } from '../layout/status.ts';
import { exactTime } from '../layout/time.ts';
import { reasonTexts } from '../reasons/reason-texts.ts';

/** A link that was made a moment ago. It is shown on this page alone. */
export function newLink(
  { visit, place }: Shown,
  { authorizationUrl, expiresAt }: StartedAuthorization,
  body: Record<string, string | number>,
): Markup {
  return html`<section class="panel good"><h2>The link</h2>
<p>Copy it now: it is not shown again. It works until ${exactTime(expiresAt)}.</p>
${copyable(authorizationUrl)}
<p class="soft">Send it to the one person who connects the account. They open it and finish in the same browser.</p>
${asCurl({ method: 'POST', baseUrl: visit.baseUrl, path: `/connections/${place.name}/authorize`, organizationId: place.organizationId, body })}</section>`;
}

/**
 * The state of a link. A POST asks for it, although it changes nothing: a caller with the state may connect an account, and
 * addresses stay in logs and in the history of browsers.
 */
export function linkState({ visit, place }: Shown, state: string, progress: AuthorizationProgress): Markup {
  const { csrfField, nonce, href } = visit;
  const { tone, word } = words[progress.status];
  const target = href(connectionPage(place, 'share-status'));
  const isOpen = progress.status === 'pending' || progress.status === 'awaiting_confirmation';
  const { subject } = progress;
  return html`<form id="link-state" class="panel" method="post" action="${target}" hx-nonce="${nonce}" hx-post="${target}" hx-trigger="every 5s" hx-select="#link-state" hx-swap="innerMorph strip:true" hx-target="this">${csrfField}${hiddenFields({ state })}
<h2>State of the link</h2>
<p role="status">${badge(tone, word)} ${told(progress)}</p>
<p class="soft">${subject === null ? 'For no particular person.' : html`For the subject ${isolated(subject)}.`}</p>
${
  isOpen
    ? html`<div class="act-row"><button class="quiet">Check now</button><button class="bad" formaction="${href(connectionPage(place, 'share-cancel'))}" name="subject" value="${subject ?? ''}">Cancel</button></div>
<p class="help">Cancel ends every open link of this connection for ${subject === null ? 'no particular person' : 'this subject'}.</p>`
    : html`<div class="act-row"><a class="button" href="${href(connectionPage(place))}">To the connection</a><a class="button quiet" href="${href(connectionPage(place, 'share'))}">Make another link</a></div>`
}</form>`;
}

const words: Record<AuthorizationProgress['status'], { tone: Tone; word: string }> = {
  pending: { tone: 'warn', word: 'Waiting for the person' },
  awaiting_confirmation: { tone: 'warn', word: 'Waiting for a confirmation' },
  completed: { tone: 'good', word: 'Connected' },
  failed: { tone: 'bad', word: 'Not connected' },
  expired: { tone: 'bad', word: 'Expired' },
};

function told({
  statusReason,
  nextAction,
  error,
  errorDescription,
  accountName,
  accountId,
}: AuthorizationProgress): Markup {
  const account = accountName ?? accountId;
  const reason =
    statusReason === null ? null : html`${reasonTexts[statusReason].cause} ${nextActionWords[nextAction]}.`;
  const provider =
    error === null
      ? null
      : html` The provider said <code>${error}</code>${errorDescription === null ? null : html`: <q>${isolated(errorDescription)}</q>`}.`;
  return html`${account === null ? null : html`Account: ${isolated(account)}. `}${reason}${provider}`;
}
