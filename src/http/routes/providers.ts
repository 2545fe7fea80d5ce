import type { FastifyInstance } from 'fastify';
import { createRedirectUriOf, plannedRedirectUris } from '../../broker/redirect-uri.ts';
import { type Caller, impliedOrganization, selectOrganization, type Trace } from '../../domain/callers/caller.ts';
import { isNamed } from '../../domain/connections/template-fields.ts';
import type { ProviderCatalogue } from '../../domain/ports/oauth.ts';
import * as routes from '../contract/providers.ts';
import { mount } from '../mount.ts';
import { notFound } from '../problem.ts';
import { type RedirectUris, toProviderDetail, toProviderSummary } from '../schemas/providers.ts';

interface Request {
  caller: Caller;
  trace: Trace;
  headers: { 'X-Organization-Id'?: string | undefined };
  query: { connection_name?: string | undefined };
}

/** `baseUrl`: PUBLIC_URL with BASE_PATH, which redirect URIs begin with. */
export function providerRoutes(
  app: FastifyInstance,
  catalogue: Pick<ProviderCatalogue, 'find' | 'list'>,
  baseUrl: () => string,
): void {
  const redirectUriOf = createRedirectUriOf(baseUrl);

  function redirectUris({ caller, trace, headers, query }: Request): RedirectUris {
    const chosen = headers['X-Organization-Id'];
    const organizationId =
      chosen === undefined ? impliedOrganization(caller) : selectOrganization(caller, chosen, trace).organizationId;
    return plannedRedirectUris(redirectUriOf, caller, organizationId, query.connection_name);
  }

  mount(app, routes.listProviders, async (call) => {
    const uris = redirectUris(call);
    const found = catalogue.list().filter((template) => isNamed(template, call.query.q ?? ''));
    return { providers: found.map((template) => toProviderSummary(template, uris)) };
  });

  mount(app, routes.getProvider, async (call) => {
    const template = catalogue.find(call.params.id);
    if (template === undefined) throw notFound('There is no such provider template.');
    return toProviderDetail(template, redirectUris(call));
  });
}
