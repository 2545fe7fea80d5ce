import { html, type Markup } from '../../markup/html.ts';

export interface SignInPage {
  version: string;
  /** Target of the form. */
  action: string;
  /** Link that starts the sign-in with the identity provider; null if none is configured. */
  provider: { href: string; host: string } | null;
  /** Page to show afterwards. */
  next: string | undefined;
  firstKeyFile: string | null;
  /** Message about the last sign-in or sign-out. */
  message: { tone: 'bad' | 'neutral'; text: string } | null;
}

export function signInPage({ version, action, provider, next, firstKeyFile, message }: SignInPage): Markup {
  return html`<main class="card sign-in ${message?.tone === 'bad' ? 'bad' : ''}">
<h1>Sign in to token-broker</h1>
<p class="soft">Version ${version}. The console shows what needs a person, what is about to break and why a connection does not work.</p>
${message === null ? null : html`<p class="notice ${message.tone}" role="alert">${message.text}</p>`}
${
  provider === null
    ? null
    : html`<p><a class="button" href="${provider.href}">Sign in with ${provider.host}</a></p>
<p class="or"><span>or</span></p>`
}
<form method="post" action="${action}" class="fields">
${next === undefined ? null : html`<input type="hidden" name="next" value="${next}">`}
<label for="key">API key</label>
<input id="key" name="key" type="password" required autofocus autocomplete="current-password" spellcheck="false" aria-describedby="key-help">
<p id="key-help" class="help">The console can do what the key may do. It keeps a session, not the key.</p>
<button type="submit">Sign in</button>
</form>
${firstKey(firstKeyFile)}
</main>`;
}

function firstKey(file: string | null): Markup {
  const place =
    file === null
      ? html`<p>It is the value of ADMIN_API_KEY of the service, or the content of the file in ADMIN_API_KEY_FILE.</p>`
      : html`<p>It is in this file on the machine of the service:</p>
<pre tabindex="0">${file}</pre>`;
  return html`<details class="first-key"><summary>Where is the first key?</summary>
${place}
<p>In the compose stack, print it with:</p>
<pre tabindex="0">docker compose exec api cat /keys/admin-key</pre>
</details>`;
}
