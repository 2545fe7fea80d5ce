import type { Reach } from '../../domain/callers/caller.ts';
import type { OrganizationId } from '../../domain/connections/connection.ts';
import { html, type Markup } from '../../markup/html.ts';

/** Organisations of a list to choose from. A longer one is a text field. */
const maxChoices = 100;

/**
 * Returns the organisation that a page about one shows first: the global scope for a visitor who reaches it, else the first
 * of the visitor's list. Undefined if the visitor must name one.
 */
export function firstOrganization({ organizations, global }: Reach): OrganizationId | undefined {
  if (global) return null;
  return organizations === '*' ? undefined : organizations[0];
}

export interface OrganizationField {
  reach: Reach;
  /** Value of the field, empty or absent if no organisation is chosen. */
  value: string | undefined;
  /** Meaning of an empty field; null if the page needs an organisation. */
  empty: string | null;
  /** Organisations to suggest to a visitor who reaches all of them. */
  known?: readonly string[];
}

/** Field for the organisation of a page. Null for a visitor who reaches only one. */
export function organizationField({ reach, value = '', empty, known = [] }: OrganizationField): Markup | null {
  const { organizations, global } = reach;
  if (organizations !== '*' && organizations.length <= 1 && !global) return null;
  if (organizations !== '*' && organizations.length <= maxChoices) {
    const choices = [
      ...(empty === null ? [] : [['', empty] as const]),
      ...organizations.map((id) => [id, id] as const),
    ];
    return html`<label>Organisation <select name="organization">${choices.map(
      ([id, label]) => html`<option value="${id}"${id === value ? html` selected` : null}>${label}</option>`,
    )}</select></label>`;
  }
  const placeholder = empty === null ? null : html` placeholder="${empty}"`;
  return html`<label>Organisation <input name="organization" value="${value}" list="organizations" autocomplete="off"${placeholder}></label>
${suggestions('organizations', known)}`;
}

/** Suggestions of a text field, which names them in `list`. */
export function suggestions(id: string, values: readonly string[]): Markup {
  return html`<datalist id="${id}">${[...new Set(values)].slice(0, maxChoices).map((value) => html`<option value="${value}">`)}</datalist>`;
}
