import type { EndAllSessions } from '../../broker/sessions/end-all-sessions.ts';
import type { ListSessions } from '../../broker/sessions/list-sessions.ts';
import type { Pages } from '../server/page-route.ts';
import { sessionsPage } from './sessions-page.ts';

export interface SessionListUseCases {
  listSessions: ListSessions;
  endAllSessions: EndAllSessions;
}

export function sessionsPages(pages: Pages, { listSessions, endAllSessions }: SessionListUseCases): void {
  pages.mount({ method: 'GET', path: '/sessions', access: { for: 'session' } }, async (visit) => {
    const sessions = await listSessions(visit.caller, visit.sessionId);
    return { title: 'Your sessions', section: null, body: sessionsPage({ visit, sessions }) };
  });

  pages.mount({ method: 'POST', path: '/sessions/end-all', access: { for: 'session' } }, async (visit) => {
    await endAllSessions(visit.caller, visit.trace);
    return { seeOther: '/console/sign-in?ended=everywhere', endsSession: true };
  });
}
