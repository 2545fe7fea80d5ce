import type { OrganizationId } from '../../domain/connections/connection.ts';
import { html, type Markup } from '../../markup/html.ts';

/** Isolates a name: direction characters in it must not reorder the text around it. */
export function isolated(name: string): Markup {
  return html`<bdi>${name}</bdi>`;
}

/** Name of an organisation, or of the global scope. */
export function ownerName(organizationId: OrganizationId): Markup {
  return organizationId === null ? html`<span class="global">Global</span>` : isolated(organizationId);
}
