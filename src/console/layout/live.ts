import { html, type Markup } from '../../markup/html.ts';

export interface Live {
  id: string;
  /** Address of the page that holds the part. */
  href: string;
  nonce: string;
  body: Markup;
}

/**
 * A part of a page that brings itself up to date every 5 seconds, if scripts run. The page is requested as a whole and
 * the part is taken from it, so that both are written by one function.
 */
export function live({ id, href, nonce, body }: Live): Markup {
  return html`<div id="${id}" hx-nonce="${nonce}" hx-get="${href}" hx-trigger="every 5s" hx-select="#${id}" hx-swap="innerMorph strip:true" hx-target="this">${body}</div>`;
}

/**
 * Attributes of a form that shows its results while a person types or chooses, in the part of the page with that id. The
 * events of its fields bubble to the form.
 */
export function searchAsYouType({ id, href, nonce }: Omit<Live, 'body'>): Markup {
  return html`hx-nonce="${nonce}" hx-get="${href}" hx-trigger="input changed delay:300ms" hx-select="#${id}" hx-target="#${id}" hx-swap="outerMorph" hx-push-url="false"`;
}
