import type { Ground, Reply } from '../../../doctor/ground.ts';

interface RedirectUris {
  global: string | null;
  organization: string | null;
}

/** Route that every redirect URI leads to. */
const callback = '/callback/';

/** Reads PUBLIC_URL with BASE_PATH from a redirect URI that the service shows for registration at a provider. */
export async function readPublicUrl(read: Ground['read']): Promise<Reply<string>> {
  const reply = await read<{ providers: { redirect_uris: RedirectUris }[] }>('/providers');
  if (!reply.isRead) return reply;
  // A provider without a browser flow has no redirect URI.
  const uris = reply.body.providers.flatMap(
    ({ redirect_uris: { global, organization } }) => global ?? organization ?? [],
  );
  const uri = uris[0] ?? '';
  const end = uri.lastIndexOf(callback);
  if (end < 0) return { isRead: false, found: 'The service shows no redirect URI for this key.', next: null };
  return { isRead: true, body: uri.slice(0, end) };
}
