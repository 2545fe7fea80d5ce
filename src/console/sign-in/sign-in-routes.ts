import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import { isBrokerError } from '../../domain/errors.ts';
import { Secret } from '../../domain/secret.ts';
import { optionalText, readFields } from '../server/forms.ts';
import type { ConsoleHost } from '../server/host.ts';
import type { Pages } from '../server/page-route.ts';
import { createEntrance, type EntranceDeps, type SessionUseCases } from './entrance.ts';
import type { IdentityProvider } from './identity-provider.ts';
import { ownPage, signInPath } from './own-page.ts';
import { providerRoutes } from './provider-routes.ts';
import { signInPage } from './sign-in-page.ts';

export interface SignInDeps extends EntranceDeps {
  useCases: Pick<SessionUseCases, 'openSession' | 'endSession'>;
  host: ConsoleHost;
  version: string;
  firstKeyFile: string | null;
  /** Null if people sign in with keys only. */
  identityProvider: IdentityProvider | null;
  /** Keys of the cookie of a sign-in at the identity provider: the first signs, all verify. */
  cookieKeys: () => readonly string[];
  baseUrl: () => string;
  clock: () => Date;
}

const signInForm = z.object({ key: optionalText, next: ownPage });
const signInQuery = z.object({ next: ownPage, ended: optionalText });

export function signInRoutes(app: FastifyInstance, pages: Pages, deps: SignInDeps): void {
  const { useCases, host, responses, identityProvider } = deps;
  const entrance = createEntrance(deps);
  const show = createShow(deps);

  app.get('/sign-in', { config: { page: '/console/sign-in' } }, async (request, reply) => {
    await host.countPublicRequest(request);
    const { next, ended } = readFields(signInQuery, request.query);
    const refused = entrance.refuseInsecure(request, reply);
    if (refused !== undefined) return refused;
    if (request.visitor !== null) return reply.redirect(responses.href(next ?? '/console'), 303);
    return show(reply, { next, message: endedMessages.get(ended ?? '') ?? null });
  });

  app.post('/sign-in', { config: { page: '/console/sign-in' } }, async (request, reply) => {
    const refused = entrance.refuseInsecure(request, reply);
    if (refused !== undefined) return refused;
    const { key, next } = readFields(signInForm, request.body ?? {});
    if (key === undefined)
      return show(reply, { next, message: { tone: 'bad', text: 'Enter an API key.' }, status: 400 });
    try {
      await host.guardSignIn(request, (mayLookUp) =>
        entrance.open({ kind: 'api_key', key: new Secret(key), mayLookUp }, request, reply),
      );
      return reply.redirect(responses.href(next ?? '/console'), 303);
    } catch (error) {
      if (!isBrokerError(error, 'unauthorized')) throw error;
      host.refusalOf(error, request);
      return show(reply, { next, message: refusedMessage, status: 401 });
    }
  });

  if (identityProvider !== null) providerRoutes(app, { ...deps, entrance, identityProvider });

  pages.mount({ method: 'POST', path: '/sign-out', access: { for: 'session' } }, async (visit) => {
    await useCases.endSession(visit.sessionId, visit, visit.trace);
    return { seeOther: '/console/sign-in?ended=signed_out', endsSession: true };
  });
}

interface Message {
  tone: 'bad' | 'neutral';
  text: string;
}

interface Shown {
  next: string | undefined;
  message: Message | null;
  status?: number;
}

function createShow({ responses, version, firstKeyFile, identityProvider }: SignInDeps) {
  const { href, sendCard } = responses;
  return (reply: FastifyReply, { next, message, status = 200 }: Shown) => {
    const provider = identityProvider && {
      href: href(signInPath(next, '/provider')),
      host: identityProvider.host,
    };
    const action = href('/console/sign-in');
    const body = signInPage({ version, action, provider, next, firstKeyFile, message });
    return sendCard(reply, { title: 'Sign in', status, body });
  };
}

const refusedMessage: Message = {
  tone: 'bad',
  text: 'This key is not valid: it is unknown, has expired or was revoked.',
};

const endedMessages = new Map<string, Message>([
  ['signed_out', { tone: 'neutral', text: 'You are signed out.' }],
  ['everywhere', { tone: 'neutral', text: 'You are signed out everywhere.' }],
]);
