import { html, type Markup } from '../../markup/html.ts';
import type { Tone } from './status.ts';

/** A message at the top of a page. Good news waits for its turn in a screen reader, anything else interrupts. */
export function notice(tone: Tone, text: Markup | string): Markup {
  return html`<p class="notice ${tone}" role="${tone === 'good' || tone === 'quiet' ? 'status' : 'alert'}">${text}</p>`;
}

/** Shows what an act has done. Its code stands in the address, so only these texts can be shown. */
export function doneNotice(texts: Readonly<Record<string, string>>, code: string | undefined): Markup | null {
  const text = code !== undefined && Object.hasOwn(texts, code) ? texts[code] : undefined;
  return text === undefined ? null : notice('good', text);
}

/** Text for a part that the visitor may not see. */
export function needsPermission(permission: string): Markup {
  return notice('quiet', html`This part needs the permission <code>${permission}</code>.`);
}
