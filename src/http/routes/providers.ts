import type { FastifyInstance } from 'fastify';
import { createRedirectUriOf } from '../../broker/redirect-uri.ts';
import {
  type Caller,
  canReach,
  impliedOrganization,
  selectOrganization,
  type Trace,
} from '../../domain/callers/caller.ts';
import type { ProviderTemplate } from '../../domain/connections/template.ts';
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
    const name = query.connection_name ?? '{connection_name}';
    const chosen = headers['X-Organization-Id'];
    const organizationId =
      chosen === undefined ? impliedOrganization(caller) : selectOrganization(caller, chosen, trace).organizationId;
    return {
      global: canReach(caller, null) ? redirectUriOf({ organizationId: null, name }) : null,
      organization: organizationId === null ? null : redirectUriOf({ organizationId, name }),
    };
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

function isNamed({ id, displayName }: ProviderTemplate, part: string): boolean {
  return [id, displayName].some((name) => name.toLowerCase().includes(part.trim().toLowerCase()));
}
