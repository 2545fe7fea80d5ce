import { html, type Markup } from '../../markup/html.ts';
import { secondLoad } from './visitor.ts';

/**
 * Page for a person who followed a link from another site. The browser left out the cookie of the session. It sends the
 * cookie when this page loads the same address, once: the parameter keeps the page from coming again.
 */
export function bouncePage(address: string): { title: string; status: number; body: Markup; refreshTo: string } {
  const refreshTo = `${address}${address.includes('?') ? '&' : '?'}${secondLoad}=1`;
  return {
    title: 'Opening the console',
    status: 200,
    refreshTo,
    body: html`<main class="card">
<h1>Opening the console</h1>
<p>If this page stays, <a href="${refreshTo}">go on to the page</a>.</p>
</main>`,
  };
}
