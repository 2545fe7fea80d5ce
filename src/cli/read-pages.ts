import type { Api, ApiCall } from './api.ts';

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
