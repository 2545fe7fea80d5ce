import type { BrokerError } from '../../domain/errors.ts';
import { problems } from '../problem.ts';
import { html } from './html.ts';
import type { Page } from './page.ts';

/** A link or a return that leads nowhere. */
export function refusedPage(message: string): Page {
  return {
    title: 'This link cannot be used',
    body: html`<main class="card bad">
<h1>This link cannot be used</h1>
<p role="alert">${message}</p>
<p class="next">Nothing was connected or changed. Ask whoever sent you the link for a new one, and open it in the browser you want to use.</p>
</main>`,
  };
}

/** A request that failed before it could mean anything. */
export function problemPage(error: BrokerError): Page {
  const { title } = problems[error.code];
  return {
    title,
    body: html`<main class="card bad">
<h1>${title}</h1>
<p role="alert">${error.message}</p>
</main>`,
  };
}
