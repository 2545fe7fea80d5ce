import { html, type Markup } from '../../markup/html.ts';

export interface Act {
  /** Address of the form. */
  action: string;
  label: string;
  csrfField: Markup;
  /** Hidden fields. */
  fields?: Record<string, string>;
  tone?: 'main' | 'quiet' | 'bad';
}

/** A button that changes something: a form of its own, so that it works without scripts. */
export function act({ action, label, csrfField, fields = {}, tone = 'quiet' }: Act): Markup {
  return html`<form method="post" action="${action}" class="act">${csrfField}${hiddenFields(fields)}<button class="${tone}">${label}</button></form>`;
}

export function hiddenFields(fields: Record<string, string>): Markup[] {
  return Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`);
}

export interface Call {
  method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  /** Base of the API: PUBLIC_URL with BASE_PATH. */
  baseUrl: string;
  /** Path with query. */
  path: string;
  /** Undefined for a call that is about no organisation. Null is the global scope. */
  organizationId?: string | null;
  /** Entity tag of the configuration that the call is based on, with its quotes. */
  ifMatch?: string;
  body?: unknown;
  /** Media type of the response, if it is not JSON. */
  accept?: string;
}

/** The same act as a call of the API. The key stays in a variable, so that no terminal keeps it. */
export function asCurl(call: Call): Markup {
  return html`<details class="curl"><summary>The same with curl</summary>${copyable(curlOf(call))}</details>`;
}

export function curlOf({ method, baseUrl, path, organizationId, ifMatch, body, accept }: Call): string {
  const lines = [`curl -s${method === 'GET' ? '' : ` -X ${method}`} -H "Authorization: Bearer $TOKEN_BROKER_KEY"`];
  if (organizationId) lines.push(`-H ${quoted(`X-Organization-Id: ${organizationId}`)}`);
  if (accept !== undefined) lines.push(`-H ${quoted(`Accept: ${accept}`)}`);
  if (ifMatch !== undefined) lines.push(`-H ${quoted(`If-Match: ${ifMatch}`)}`);
  if (body !== undefined) lines.push(`-H 'Content-Type: application/json' -d ${quoted(JSON.stringify(body))}`);
  lines.push(quoted(`${baseUrl}${path}`));
  return lines.join(' \\\n  ');
}

/** A text to copy. The button needs a script and is hidden without. */
export function copyable(text: string): Markup {
  return html`<div class="copyable"><pre tabindex="0"><code>${text}</code></pre><button type="button" class="quiet needs-script" data-copies>Copy</button></div>`;
}

/** Quotes a text for a POSIX shell. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
