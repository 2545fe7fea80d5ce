import { html, type Markup } from '../../markup/html.ts';

export interface Column<Row> {
  /** Heading of the column, and label of its value when the row is a card on a phone. */
  label: string;
  cell: (row: Row) => Markup | string | null;
}

export interface TableOptions {
  /** Says what the table holds, for screen readers. */
  caption: string;
  /** Shown instead of an empty table. */
  empty: Markup | string;
}

/** A table that becomes a list of cards on a phone. The first column names the row. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], options: TableOptions): Markup {
  if (rows.length === 0) return html`<div class="empty">${options.empty}</div>`;
  return html`<table class="rows"><caption class="hidden">${options.caption}</caption>
<thead><tr>${columns.map(({ label }) => html`<th scope="col">${label}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${columns.map((column, at) => cellOf(column, row, at === 0))}</tr>\n`)}</tbody></table>`;
}

function cellOf<Row>({ label, cell }: Column<Row>, row: Row, isName: boolean): Markup {
  const content = cell(row);
  return isName
    ? html`<th scope="row">${content}</th>`
    : html`<td><span class="label" aria-hidden="true">${label}</span><span>${content}</span></td>`;
}

/** Names and values of one thing. */
export function pairs(items: readonly (readonly [label: string, value: Markup | string | number | null])[]): Markup {
  return html`<dl class="pairs">${items.map(([label, value]) => html`<dt>${label}</dt><dd>${value ?? html`<span class="soft">none</span>`}</dd>`)}</dl>`;
}

/** Link to the next page of a list; null on the last page. */
export function nextPage(
  path: string,
  query: Record<string, string | undefined>,
  cursor: string | null,
): Markup | null {
  if (cursor === null) return null;
  return html`<p class="next-page"><a class="button quiet" href="${path}${queryOf({ ...query, cursor })}">Next page</a></p>`;
}

/** Writes a query, without parameters that have no value. */
export function queryOf(parameters: Record<string, string | undefined>): string {
  const given = Object.entries(parameters).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}
