import { html, type Markup } from '../../markup/html.ts';
import type { ReceivedClaims } from './received-claims.ts';
import type { SignInFailureFacts } from './sign-in-failure.ts';

export interface FailurePage {
  facts: SignInFailureFacts;
  message: string;
  /** Link to the sign-in. */
  again: string;
}

interface Explanation {
  title: string;
  status: number;
  /** Shown below the message. */
  facts: Markup | null;
  /** Names who must act, and how. */
  next: Markup;
}

/** Explains a sign-in with the identity provider that failed, and says what to do. */
export function failurePage({ facts, message, again }: FailurePage): { title: string; status: number; body: Markup } {
  const { title, status, facts: known, next } = explain(facts);
  return {
    title,
    status,
    body: html`<main class="card bad">
<h1>${title}</h1>
<p role="alert">${message}</p>
${known}
<section class="next"><h2>What to do</h2>
${next}</section>
<p><a class="button quiet" href="${again}">Back to the sign-in</a></p>
</main>`,
  };
}

function explain(facts: SignInFailureFacts): Explanation {
  switch (facts.reason) {
    case 'unavailable':
      return {
        title: 'The identity provider cannot be used',
        status: 503,
        facts: null,
        next: html`<p>Try again in a minute. An API key opens the console meanwhile.</p>
<p>If it stays, an administrator checks CONSOLE_OIDC_ISSUER and whether the service reaches it. The log of the service has the cause.</p>`,
      };
    case 'refused':
      return {
        title: 'The identity provider refused',
        status: 403,
        facts: facts.description === null ? null : html`<p>It says: <q><bdi>${facts.description}</bdi></q></p>`,
        next: nextAfterRefusal(facts.oauthError),
      };
    case 'state_mismatch':
      return {
        title: 'This sign-in has ended',
        status: 400,
        facts: null,
        next: html`<p>Sign in again, and finish within ten minutes in the same browser. The browser must accept cookies of this site.</p>`,
      };
    case 'unverified':
      return {
        title: 'The identity provider could not be verified',
        status: 400,
        facts: null,
        next: html`<p>Sign in again. Nothing was changed.</p>
<p>If it stays, an administrator compares CONSOLE_OIDC_ISSUER and CONSOLE_OIDC_CLIENT_ID with the provider, and the clocks of both machines.</p>`,
      };
    case 'no_role':
      return {
        title: 'You have no role in the console',
        status: 403,
        facts: html`<p>You are signed in at the identity provider as <bdi>${facts.name}</bdi>.</p>
${receivedClaims(facts.received)}`,
        next: nextWithoutRole(facts.received),
      };
  }
}

/** RFC 6749 §4.1.2.1 and §5.2. */
function nextAfterRefusal(code: string | null): Markup {
  if (code === 'access_denied')
    return html`<p>Sign in again and allow access. If you did, an administrator of the identity provider must let you use this application.</p>`;
  if (code === 'invalid_client' || code === 'unauthorized_client')
    return html`<p>An administrator corrects CONSOLE_OIDC_CLIENT_ID and CONSOLE_OIDC_CLIENT_SECRET and restarts the service.</p>`;
  if (code === 'invalid_grant') return html`<p>Sign in again. The sign-in took too long, or was used before.</p>`;
  return html`<p>Sign in again. If it stays, an administrator compares the client at the identity provider with the variables CONSOLE_OIDC_… of the service: redirect URI, scopes and secret.</p>`;
}

function receivedClaims({ claim, names, values, omitted }: ReceivedClaims): Markup {
  return html`<dl><dt>Claim that decides</dt><dd><code>${claim}</code></dd>
<dt>Its values</dt><dd>${listed(values, 'It did not come, or holds no text.')}</dd>
<dt>Claims that came</dt><dd>${listed(names, 'None.')}</dd></dl>
${omitted === 0 ? null : html`<p class="soft">${omitted} more names or values are not shown.</p>`}`;
}

function listed(texts: readonly string[], none: string): Markup {
  if (texts.length === 0) return html`<span class="soft">${none}</span>`;
  return html`${texts.map((text, at) => html`${at === 0 ? null : html`, `}<code><bdi>${text}</bdi></code>`)}`;
}

function nextWithoutRole({ claim, values }: ReceivedClaims): Markup {
  if (values.length === 0)
    return html`<p>An administrator makes the identity provider send the claim <code>${claim}</code> to this application, or names one of the claims that came as <code>claim</code> in CONSOLE_OIDC_ROLES.</p>`;
  return html`<p>An administrator adds a role to CONSOLE_OIDC_ROLES whose <code>value</code> matches one of the values above, and restarts the service. Or the identity provider gives you a value that has a role.</p>`;
}
