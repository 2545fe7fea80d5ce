import type { Signer } from '@fastify/cookie';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { isBrokerError } from '../../domain/errors.ts';
import { bouncePage } from '../server/bounce-page.ts';
import { cookieSigner } from '../server/cookie-signer.ts';
import { readFields } from '../server/forms.ts';
import type { ConsoleHost } from '../server/host.ts';
import { stateMismatch } from './classify-failure.ts';
import type { Entrance, EntranceDeps } from './entrance.ts';
import { failurePage } from './failure-page.ts';
import { callbackPath, type IdentityProvider } from './identity-provider.ts';
import { ownPage, signInPath } from './own-page.ts';
import { SignInFailure, type SignInFailureFacts } from './sign-in-failure.ts';
import { openTransaction, type PendingSignIn, sealTransaction, transactionCookie } from './transaction-cookie.ts';

export interface ProviderRouteDeps extends Pick<EntranceDeps, 'useCases' | 'responses'> {
  entrance: Entrance;
  host: ConsoleHost;
  identityProvider: IdentityProvider;
  cookieKeys: () => readonly string[];
  baseUrl: () => string;
  clock: () => Date;
}

const startQuery = z.object({ next: ownPage });
const startPath = '/console/sign-in/provider';
/** Routes are registered below /console. */
const routeOf = (path: string) => path.slice('/console'.length);

/** Registers the way to the identity provider and back. The key of a sign-in is the cookie of its browser. */
export function providerRoutes(app: FastifyInstance, deps: ProviderRouteDeps): void {
  const { entrance, host, identityProvider, responses, baseUrl, clock } = deps;
  const signer = () => cookieSigner(deps.cookieKeys());
  const sendFailure = createSendFailure(deps);

  app.get(routeOf(startPath), { config: { page: startPath } }, async (request, reply) => {
    await host.countPublicRequest(request);
    const { next } = readFields(startQuery, request.query);
    const refused = entrance.refuseInsecure(request, reply);
    if (refused !== undefined) return refused;
    if (request.visitor !== null) return reply.redirect(responses.href(next ?? '/console'), 303);
    try {
      const { url, transaction } = await identityProvider.begin();
      const { name, options } = transactionCookie(baseUrl());
      reply.setCookie(name, sealTransaction(signer(), { ...transaction, next }, clock()), options);
      return reply.redirect(url.href, 303);
    } catch (error) {
      return sendFailure(error, next, request, reply);
    }
  });

  app.get(routeOf(callbackPath), { config: { page: callbackPath } }, async (request, reply) => {
    await host.countPublicRequest(request);
    const refused = entrance.refuseInsecure(request, reply);
    if (refused !== undefined) return refused;
    const pending = takePending(request, reply, { signer: signer(), baseUrl: baseUrl(), now: clock() });
    try {
      if (pending === undefined) throw stateMismatch();
      const { issuer, subject, name, roles } = await identityProvider.finish(new URL(request.url, baseUrl()), pending);
      await entrance.open({ kind: 'person', person: { issuer, subject, name, roles } }, request, reply);
      // The provider, another site, sent the browser here. A redirect would still count as its own, and the browser would
      // leave out the new cookie. A page of the console begins anew.
      return responses.sendCard(reply, bouncePage(responses.href(pending.next ?? '/console')));
    } catch (error) {
      return sendFailure(error, pending?.next, request, reply);
    }
  });
}

/** Reads the cookie of the sign-in and ends it: it serves one response, also if that is refused. */
function takePending(
  request: FastifyRequest,
  reply: FastifyReply,
  { signer, baseUrl, now }: { signer: Signer; baseUrl: string; now: Date },
): PendingSignIn | undefined {
  const { name, options } = transactionCookie(baseUrl);
  reply.setCookie(name, '', { ...options, maxAge: 0 });
  return openTransaction(signer, request.cookies[name] ?? '', now);
}

function createSendFailure({ useCases, host, responses }: ProviderRouteDeps) {
  return async (error: unknown, next: string | undefined, request: FastifyRequest, reply: FastifyReply) => {
    if (!(error instanceof SignInFailure)) throw error;
    const { facts, message } = error;
    if (facts.reason === 'no_role') await recordRefusal(useCases, facts, { ...host.traceOf(request), agent: null });
    return responses.sendCard(reply, failurePage({ facts, message, again: responses.href(signInPath(next)) }));
  };
}

/** Writes the refusal to the audit trail. A person without a role opens no session. */
async function recordRefusal(
  { openSession }: ProviderRouteDeps['useCases'],
  { issuer, subject, name }: Extract<SignInFailureFacts, { reason: 'no_role' }>,
  trace: Parameters<ProviderRouteDeps['useCases']['openSession']>[1],
): Promise<void> {
  try {
    await openSession({ kind: 'person', person: { issuer, subject, name, roles: [] } }, trace);
  } catch (error) {
    if (!isBrokerError(error, 'forbidden')) throw error;
  }
}
