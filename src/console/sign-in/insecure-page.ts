import { html, type Markup } from '../../markup/html.ts';

/** Says why no sign-in is possible: a cookie over http could be read on its way. */
export const insecurePage: Markup = html`<main class="card bad">
<h1>The console needs https</h1>
<p role="alert">This address is not on your computer and does not use https. Every machine on the way could read your key and your session.</p>
<section class="next"><h2>What an administrator must do</h2>
<p>Put the service behind a proxy that serves https, and set PUBLIC_URL to its https address. On the machine of the service itself, the console also works at localhost.</p></section>
</main>`;
