import { pathOf } from '../../../client/transport/request-url.ts';
import type { Endpoint, Ground, LastError, Reply } from '../../../doctor/ground.ts';

interface Summary {
  id: string;
  connection_name: string;
  provider: string;
  last_error: LastError | null;
}

/** Connections on the one page that is read. */
const pageSize = 200;
/** Connections whose details are read. Bounds the requests of one run: most connections share few providers. */
const maxRead = 30;

/**
 * Reads the token endpoints of connections: one of each template, and each without a template, up to a limit. A template
 * has one token endpoint for all its connections.
 */
export async function readEndpoints(read: Ground['read']): Promise<Reply<Endpoint[]>> {
  const page = await read<{ connections: Summary[] }>('/admin/connections', { limit: pageSize });
  if (!page.isRead) return page;
  const chosen = selectConnections(page.body.connections);
  const endpoints: Endpoint[] = [];
  for (const { id, connection_name: connection, last_error: lastError } of chosen) {
    const detail = await read<{ token_url: string | null }>(pathOf('admin', 'connections', id));
    if (detail.isRead && detail.body.token_url !== null) {
      endpoints.push({ connection, tokenUrl: detail.body.token_url, lastError });
    }
  }
  return { isRead: true, body: endpoints };
}

function selectConnections(connections: readonly Summary[]): Summary[] {
  const seen = new Set<string>();
  const chosen = connections.filter(({ provider, last_error: lastError }) => {
    if (provider === 'generic' || lastError !== null || !seen.has(provider)) {
      seen.add(provider);
      return true;
    }
    return false;
  });
  return chosen.slice(0, maxRead);
}
