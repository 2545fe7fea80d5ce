import { accessOf } from '../../domain/callers/access.ts';
import { connectionPage } from '../../domain/console/console-pages.ts';
import { html, type Markup } from '../../markup/html.ts';
import { act } from '../layout/acts.ts';
import { type Act, actLabels } from '../reasons/step.ts';
import type { Shown } from './shown.ts';

type ButtonAct = Exclude<Act, 'wait' | 'import' | 'enable_refreshes'>;

/** Writes the button or the link of an act; null if the visitor may not do it, or nothing can be pressed. */
export function buttonOf(shown: Shown, name: Act, tone: 'main' | 'quiet' = 'quiet'): Markup | null {
  if (name === 'wait' || name === 'import' || name === 'enable_refreshes') return null;
  return canAct(shown, name) ? write(shown, name, tone) : null;
}

function canAct({ visit, view, isOwner }: Shown, name: ButtonAct): boolean {
  const { flow } = view.connection.settings;
  const isPersonal = flow === 'authorization_code';
  // Only the owner of a grant may act on it: an organisation cannot test or refresh the shared one.
  const hasOwnGrant = view.served !== null && view.served.organizationId === visit.actor.organizationId;
  switch (name) {
    case 'connect':
    case 'reconnect':
      return isPersonal && visit.may(accessOf.startAuthorization);
    case 'edit':
      return isOwner && visit.may(accessOf.patchConnection);
    case 'test':
      return hasOwnGrant && visit.may(accessOf.testConnection);
    case 'refresh':
      return hasOwnGrant && visit.may(accessOf.refreshGrant);
  }
}

function write({ visit, place }: Shown, name: ButtonAct, tone: 'main' | 'quiet'): Markup {
  const { csrfField, href } = visit;
  const label = actLabels[name];
  if (name === 'edit')
    return html`<a class="button ${tone}" href="${href(connectionPage(place, 'edit'))}">${label}</a>`;
  if (name === 'test' || name === 'refresh')
    return act({ action: href(connectionPage(place, name)), label, csrfField, tone });
  return html`<form method="post" action="${href(connectionPage(place, 'connect'))}" class="act">${csrfField}<button class="${tone}">${label}</button></form>`;
}

/** The next step: its words, its button, and what stands in the way of a button. */
export function nextStep(shown: Shown): Markup {
  const { why } = shown;
  const { act: name, text } = why.step;
  const button = buttonOf(shown, name, 'main');
  const connects = name === 'connect' || name === 'reconnect';
  return html`<p><strong>${why.actorLabel}</strong> ${text}</p>
${button === null ? obstacle(shown) : html`<div class="act-row">${button}${connects ? shareLink(shown) : null}</div>`}`;
}

export function shareLink({ visit, place, view }: Shown): Markup | null {
  if (view.connection.settings.flow !== 'authorization_code' || !visit.may(accessOf.startAuthorization)) return null;
  return html`<a class="button quiet" href="${visit.href(connectionPage(place, 'share'))}">Share a link</a>`;
}

/** Says why there is no button. */
function obstacle({ visit, place, view, isOwner, why }: Shown): Markup | null {
  const { act: name } = why.step;
  if (name === 'wait' || name === 'enable_refreshes') return null;
  if (name === 'import') {
    return html`<p>Send the token set with <code>POST /connections/${place.name}/grants</code>, or a file with <code>token-broker import</code>. The <a href="${visit.href('/docs')}">API</a> describes both.</p>`;
  }
  if (name === 'edit' && !isOwner) {
    const page = visit.href(connectionPage({ name: place.name, organizationId: null }));
    return visit.actor.caller.global
      ? html`<p>The global scope owns it: <a href="${page}">open the global connection</a>.</p>`
      : html`<p>The global scope owns it: ask its administrator.</p>`;
  }
  if ((name === 'test' || name === 'refresh') && view.served?.organizationId === null && !isOwner) {
    return html`<p>The shared grant of the global connection serves this organisation. Only the global scope tests and refreshes it.</p>`;
  }
  if (visit.may(accessOf[permissionFor(name)])) return null;
  return html`<p class="soft">This needs the permission <code>${String(accessOf[permissionFor(name)].permission)}</code>.</p>`;
}

function permissionFor(name: ButtonAct): 'startAuthorization' | 'patchConnection' {
  return name === 'edit' ? 'patchConnection' : 'startAuthorization';
}

/** Every act besides the next step. */
export function otherActs(shown: Shown): Markup | null {
  const { view, why } = shown;
  const next = why.step.act;
  // A shared grant stays: the organisation connects one of its own, which then takes precedence.
  const connect = view.served?.organizationId === shown.visit.actor.organizationId ? 'reconnect' : 'connect';
  const isConnectNext = next === 'connect' || next === 'reconnect';
  const buttons = [
    next === 'test' ? null : buttonOf(shown, 'test'),
    next === 'refresh' ? null : buttonOf(shown, 'refresh'),
    isConnectNext ? null : buttonOf(shown, connect),
    isConnectNext ? null : shareLink(shown),
  ];
  if (buttons.every((button) => button === null)) return null;
  return html`<section class="panel"><h2>Other acts</h2><div class="act-row">${buttons}</div></section>`;
}
