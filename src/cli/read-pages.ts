import type { Api, ApiCall } from './api.ts';
import type { Column } from './output/columns.ts';
import type { Output } from './output/output.ts';

/** Items on a page: the most that the API allows. */
const pageSize = 200;

/** Yields the pages of a list until the last one. */
export async function* readPages<Page extends { next_cursor: string | null }>(
  api: Api,
  call: ApiCall,
): AsyncGenerator<Page> {
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const query = { limit: pageSize, ...call.query, cursor };
    const { body }: { body: Page } = await api.call<Page>({ ...call, query });
    yield body;
    cursor = body.next_cursor;
  }
}

/** Prints a list of any length. Lines leave with their page; columns and a document need all of it. */
export async function printPages<Page extends { next_cursor: string | null }, Item>(
  { api, output }: { api(): Promise<Api>; output: Output },
  call: ApiCall,
  itemsOf: (page: Page) => readonly Item[],
  list: { name: string; columns: readonly Column<Item>[]; members?: (count: number) => Record<string, unknown> },
): Promise<void> {
  const { name, columns, members } = list;
  const items: Item[] = [];
  for await (const page of readPages<Page>(await api(), call)) {
    if (output.format === 'ndjson') await output.list({ name, columns, items: itemsOf(page) });
    else items.push(...itemsOf(page));
  }
  if (output.format !== 'ndjson') await output.list({ name, columns, items, members: members?.(items.length) });
}
