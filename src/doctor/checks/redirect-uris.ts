import { type Check, failed, ok, skipped } from '../check.ts';

/** Status of the page for a callback without a state. */
const pageStatus = 400;

/** Checks that redirect URIs reach the callback route. A proxy may pass the API and nothing else. */
export const redirectUrisCheck: Check = {
  name: 'redirect URIs',
  async run(ground) {
    const reply = await ground.publicUrl();
    if (!reply.isRead) return skipped(reply.found, reply.next);
    const redirectUris = `${reply.body}/callback/`;
    // It names no authorization, so it changes nothing and is not recorded.
    const answer = await ground.request(`${redirectUris}doctor`);
    if (!answer.isAnswer) return skipped('Not known: PUBLIC_URL cannot be reached from here.');
    const isPage = answer.headers.get('content-type')?.startsWith('text/html') === true;
    if (answer.status === pageStatus && isPage) return ok(`Redirect URIs begin with ${redirectUris} and arrive.`);
    return failed(
      `${redirectUris}… does not arrive at the service (status ${answer.status}).`,
      'Let the proxy pass every path below PUBLIC_URL: /callback and /authorize are opened by browsers.',
    );
  },
};
