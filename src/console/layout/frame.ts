import type { Access } from '../../domain/callers/access.ts';
import { html, type Markup } from '../../markup/html.ts';
import { navigation, type Section } from './navigation.ts';

/** Addresses of the files that every page loads, below the base path. */
export interface Assets {
  style: string;
  htmx: string;
  htmxCsp: string;
  script: string;
  icon: string;
}

/** A document, with or without the frame of the console. */
export interface Document {
  title: string;
  body: Markup;
  assets: Assets;
  href: (path: string) => string;
  nonce: string;
  /** Address that the browser goes to by itself, at once. */
  refreshTo?: string | undefined;
}

export interface Framed extends Document {
  section: Section;
  version: string;
  callerName: string;
  csrfField: Markup;
  may: (access: Access) => boolean;
}

/** htmx runs with its extension for Content-Security-Policy only, and adds no style of its own. */
const htmxConfig = JSON.stringify({
  extensions: 'hx-csp',
  includeIndicatorCSS: false,
  history: false,
  // A page keeps what it shows while the service cannot tell anything newer.
  noSwap: [204, 304, '4xx', '5xx'],
  // Part of a page that a person opened stays open when the page is brought up to date.
  morphIgnore: ['data-htmx-powered', 'open'],
});

/** Writes a document without navigation: a sign-in, or one message. */
export function documentOf({ title, body, assets, href, nonce, refreshTo }: Document): string {
  const script = (path: string) => html`<script src="${href(path)}" nonce="${nonce}" defer></script>\n`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="htmx-config" content="${htmxConfig}">
${refreshTo === undefined ? null : html`<meta http-equiv="refresh" content="0; url=${refreshTo}">\n`}<title>${title} · token-broker</title>
<link rel="icon" type="image/svg+xml" href="${href(assets.icon)}">
<link rel="stylesheet" href="${href(assets.style)}">
${[assets.htmx, assets.htmxCsp, assets.script].map(script)}</head>
<body>
${body}
</body>
</html>
`.text;
}

/** Writes a page inside the frame. */
export function framedDocument({ section, version, callerName, csrfField, may, ...document }: Framed): string {
  const { body, href } = document;
  return documentOf({
    ...document,
    body: html`<a class="skip" href="#content">Skip to the content</a>
<header class="top">
<a class="brand" href="${href('/console')}">token-broker</a>
<form class="find" role="search" aria-label="Find a connection" action="${href('/console/connections')}">
<label class="hidden" for="find">Find a connection</label>
<input id="find" type="search" name="q" placeholder="Find a connection" autocomplete="off" data-key="/">
</form>
<div class="who"><a href="${href('/console/sessions')}"><bdi>${callerName}</bdi></a>
<form method="post" action="${href('/console/sign-out')}">${csrfField}<button class="plain">Sign out</button></form></div>
</header>
<div class="columns">
${navigation(section, { href, may })}
<main id="content" tabindex="-1">
${body}
</main>
</div>
<footer class="bottom">token-broker ${version} · <a href="${href('/docs')}">API</a> · <button type="button" class="link needs-script" data-opens="keys">Keys: press <kbd>?</kbd></button></footer>
${keyboardHelp}`,
  });
}

const keyboardHelp: Markup = html`<dialog id="keys" aria-labelledby="keys-title">
<h2 id="keys-title">Keys</h2>
<dl class="pairs"><dt><kbd>/</kbd></dt><dd>find a connection</dd>
<dt><kbd>g</kbd> <kbd>o</kbd></dt><dd>overview</dd>
<dt><kbd>g</kbd> <kbd>c</kbd></dt><dd>connections</dd>
<dt><kbd>g</kbd> <kbd>g</kbd></dt><dd>grants</dd>
<dt><kbd>g</kbd> <kbd>e</kbd></dt><dd>explain a fetch</dd>
<dt><kbd>g</kbd> <kbd>w</kbd></dt><dd>workflows</dd>
<dt><kbd>g</kbd> <kbd>a</kbd></dt><dd>audit</dd>
<dt><kbd>?</kbd></dt><dd>these keys</dd></dl>
<form method="dialog"><button>Close</button></form>
</dialog>`;
