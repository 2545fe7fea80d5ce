import formBody from '@fastify/formbody';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { CompleteAuthorization } from '../../broker/complete-authorization.ts';
import type { OpenAuthorization } from '../../broker/open-authorization.ts';
import { connectionNamePattern, type OrganizationId, organizationIdPattern } from '../../domain/connection.ts';
import { type BrowserCookieOptions, registerBrowserCookie } from '../browser-cookie.ts';
import * as routes from '../contract/browser.ts';
import { type Call, mount } from '../mount.ts';
import { outcomePage } from '../pages/outcome.ts';
import { sendPage } from '../pages/page.ts';
import { refusedPage } from '../pages/problem.ts';
import { returnLocation } from '../return-location.ts';
import { isState } from '../state.ts';

export interface BrowserUseCases {
  openAuthorization: OpenAuthorization;
  completeAuthorization: CompleteAuthorization;
}

const formLimitBytes = 64 * 1024;

/** What people's browsers open. Registered in a scope of its own: only here are forms read. */
export async function browserRoutes(
  app: FastifyInstance,
  { openAuthorization, completeAuthorization }: BrowserUseCases,
  options: { cookie: BrowserCookieOptions; newBrowserId: () => string },
): Promise<void> {
  const cookie = await registerBrowserCookie(app, options.cookie);
  app.removeAllContentTypeParsers();
  // Repeated parameters must reach the use case as they came: it refuses them.
  await app.register(formBody, { bodyLimit: formLimitBytes, parser: (text) => ({ form: new URLSearchParams(text) }) });

  mount(app, routes.openAuthorization, async ({ params, request }, reply) => {
    if (!isState(params.state)) return refuse(reply, 'It is not a link of this service, or it is incomplete.');
    const browserId = cookie.read(request) ?? options.newBrowserId();
    const opened = await openAuthorization(params.state, browserId);
    if (opened.kind === 'refused') return refuse(reply, opened.message);
    cookie.write(reply, browserId);
    return reply.redirect(asciiUrl(opened.url), 303);
  });

  const settle = async (
    { request, trace }: Pick<Call<typeof routes.callback>, 'request' | 'trace'>,
    reply: FastifyReply,
    organizationId: OrganizationId,
    connectionName: string,
  ) => {
    const sound = organizationId === null || organizationIdPattern.test(organizationId);
    if (!sound || !connectionNamePattern.test(connectionName)) return refuse(reply, 'There is no such connection.');
    const outcome = await completeAuthorization({
      organizationId,
      connectionName,
      parameters: request.method === 'POST' ? formOf(request.body) : queryOf(request.raw.url),
      browserId: cookie.read(request),
      ...trace,
    });
    if (outcome.kind === 'refused') return refuse(reply, outcome.message);
    if (outcome.returnUrl !== null) return reply.redirect(returnLocation(outcome.returnUrl, outcome), 303);
    return sendPage(reply, outcomePage(outcome));
  };

  mount(app, routes.callback, (call, reply) => settle(call, reply, null, call.params.name));
  mount(app, routes.callbackForm, (call, reply) => settle(call, reply, null, call.params.name));
  mount(app, routes.organizationCallback, (call, reply) =>
    settle(call, reply, call.params.organization_id, call.params.name),
  );
  mount(app, routes.organizationCallbackForm, (call, reply) =>
    settle(call, reply, call.params.organization_id, call.params.name),
  );
}

function refuse(reply: FastifyReply, message: string): FastifyReply {
  return sendPage(reply.code(400), refusedPage(message));
}

function formOf(body: unknown): URLSearchParams {
  return (body as { form: URLSearchParams } | undefined)?.form ?? new URLSearchParams();
}

function queryOf(url: string | undefined): URLSearchParams {
  const at = url?.indexOf('?') ?? -1;
  return new URLSearchParams(at < 0 ? '' : url?.slice(at + 1));
}

/** Headers are ASCII; a host or path beyond it is written in its encoded form. */
function asciiUrl(url: string): string {
  return new URL(url).href;
}
