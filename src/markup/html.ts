/** Markup that needs no escaping. Created by `html` only, and by the page for its style sheet. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = string | number | Markup | null | undefined | readonly Part[];

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Builds markup. Every value is escaped for text and for quoted attributes; only nested markup is inserted as it is. */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Markup {
  const values = parts.map(render);
  return new Markup(strings.map((text, index) => text + (values[index] ?? '')).join(''));
}

function render(part: Part): string {
  if (part === null || part === undefined) return '';
  if (part instanceof Markup) return part.text;
  if (typeof part === 'object') return part.map(render).join('');
  return String(part).replace(/[&<>"']/g, (character) => escapes[character] ?? '');
}
