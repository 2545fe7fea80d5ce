import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { CallbackOutcome } from '../../broker/authorizations/callback-outcome.ts';
import type { CompleteAuthorization } from '../../broker/authorizations/complete-authorization.ts';
import type { OpenAuthorization } from '../../broker/authorizations/open-authorization.ts';
import { refusal } from '../../broker/authorizations/refusal.ts';
import {
  connectionNamePattern,
  type OrganizationId,
  organizationIdPattern,
} from '../../domain/connections/connection.ts';
import { registerFormParsing } from '../body-parsing.ts';
import { type BrowserCookieOptions, registerBrowserCookies } from '../browser/browser-cookie.ts';
import { createPageTokens } from '../browser/page-token.ts';
import { returnLocation } from '../browser/return-location.ts';
import { isState } from '../browser/state.ts';
import * as routes from '../contract/browser.ts';
import { type Call, mount } from '../mount.ts';
import { beforeProviderPage, pageTokenField } from '../pages/before-provider.ts';
import { outcomePage } from '../pages/outcome.ts';
import { sendPage } from '../pages/page.ts';
import { refusedPage } from '../pages/refused.ts';
import { parseAuthorizationResponse } from '../validation/percent-encoding.ts';

export interface BrowserUseCases {
  openAuthorization: OpenAuthorization;
  completeAuthorization: CompleteAuthorization;
}

/** Maximum bytes of a form_post callback. Codes and states are far smaller; a larger form gets 413. */
const formLimitBytes = 64 * 1024;

/** Registers the routes that browsers open. They need a Fastify scope of their own: no other route parses forms. */
export async function browserRoutes(
  app: FastifyInstance,
  { openAuthorization, completeAuthorization }: BrowserUseCases,
  options: { cookie: BrowserCookieOptions; newBrowserId: () => string },
): Promise<void> {
  const cookies = await registerBrowserCookies(app, options.cookie);
  const pageTokens = createPageTokens(app, options.cookie);
  registerFormParsing(app, formLimitBytes, parseAuthorizationResponse);

  const open = async (request: FastifyRequest, reply: FastifyReply, state: string, pageToken: string | null) => {
    if (!isState(state)) return show(reply, refusal('link_incomplete'));
    if (isEmbedded(request)) return show(reply, refusal('link_embedded'));
    const browserId = options.newBrowserId();
    const hasGoneOn = pageTokens.verify(request, state, pageToken);
    const opened = await openAuthorization(state, { browserId, heldIds: cookies.ids(request), hasGoneOn });
    if (opened.kind === 'page') {
      const token = pageTokens.issue(request, reply, state);
      return sendPage(reply, beforeProviderPage(opened, { state, token }));
    }
    if (opened.kind !== 'redirect') return show(reply, opened);
    cookies.open(request, reply, { state, browserId, expiresAt: opened.expiresAt });
    return reply.redirect(asciiUrl(opened.url), 303);
  };

  mount(app, routes.openAuthorization, ({ params, request }, reply) => open(request, reply, params.state, null));
  mount(app, routes.continueAuthorization, ({ params, request }, reply) =>
    open(request, reply, params.state, formOf(request.body).get(pageTokenField)),
  );

  const settle = async (
    { request, trace }: Pick<Call<typeof routes.callback>, 'request' | 'trace'>,
    reply: FastifyReply,
    organizationId: OrganizationId,
    connectionName: string,
  ) => {
    const hasValidOwner = organizationId === null || organizationIdPattern.test(organizationId);
    if (!hasValidOwner || !connectionNamePattern.test(connectionName))
      return show(reply, refusal('connection_unknown'));
    const parameters = request.method === 'POST' ? formOf(request.body) : queryOf(request.raw.url);
    const outcome = await completeAuthorization({
      organizationId,
      connectionName,
      parameters,
      browserIds: cookies.ids(request),
      ...trace,
    });
    const isEnded = outcome.kind !== 'refused' || outcome.returnTo !== null;
    if (isEnded) cookies.settle(request, reply, parameters.get('state') ?? '');
    return show(reply, outcome);
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

/** Sends the browser to the return URL with the outcome; without one, a page tells the person. */
function show(reply: FastifyReply, outcome: CallbackOutcome): FastifyReply {
  if (outcome.kind === 'refused') {
    const { returnTo } = outcome;
    if (returnTo !== null) return reply.redirect(returnLocation(returnTo.returnUrl, returnTo), 303);
    return sendPage(reply.code(400), refusedPage(outcome));
  }
  if (outcome.kind === 'awaiting_confirmation') return reply.redirect(returnLocation(outcome.returnUrl, outcome), 303);
  if (outcome.returnUrl !== null) return reply.redirect(returnLocation(outcome.returnUrl, outcome), 303);
  return sendPage(reply, outcomePage(outcome));
}

/**
 * Recognises a link that a page loads as an image, a frame or the like (Fetch Metadata). Hidden ones could fill the
 * browser with cookies until every request is too large. Browsers that send no such header are let through.
 */
function isEmbedded({ headers }: FastifyRequest): boolean {
  const destination = headers['sec-fetch-dest'];
  return destination !== undefined && destination !== 'document';
}

function formOf(body: unknown): URLSearchParams {
  return (body as URLSearchParams | undefined) ?? new URLSearchParams();
}

function queryOf(url: string | undefined): URLSearchParams {
  const at = url?.indexOf('?') ?? -1;
  return parseAuthorizationResponse(at < 0 ? '' : (url?.slice(at + 1) ?? ''));
}

/** Encodes host and path of a URL: a header value must be ASCII. */
function asciiUrl(url: string): string {
  return new URL(url).href;
}
