import type { AuditEvent } from '../../domain/audit.ts';
import { html, type Markup } from '../../markup/html.ts';
import { isolated } from '../layout/owner.ts';

/** Details of an event as names and values that a person reads. Values that are absent are left out. */
export function readableDetails(details: AuditEvent['details']): [name: string, value: string][] {
  return Object.entries(details).flatMap(([name, value]): [string, string][] => {
    const text = readable(value);
    return text === '' ? [] : [[words(name), text]];
  });
}

export function detailList(details: AuditEvent['details']): Markup | null {
  const shown = readableDetails(details);
  if (shown.length === 0) return null;
  return html`<ul class="facts">${shown.map(([name, value]) => html`<li><span class="soft">${name}</span> ${isolated(value)}</li>`)}</ul>`;
}

function readable(value: AuditEvent['details'][string]): string {
  if (value === null) return '';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return Array.isArray(value) ? value.join(', ') : String(value);
}

const abbreviations: Readonly<Record<string, string>> = { id: 'id', http: 'HTTP', ms: '(ms)', api: 'API', url: 'URL' };

function words(name: string): string {
  return name
    .split('_')
    .map((word) => abbreviations[word] ?? word)
    .join(' ');
}
