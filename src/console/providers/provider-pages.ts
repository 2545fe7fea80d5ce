import { z } from 'zod';
import { createRedirectUriOf, plannedRedirectUris } from '../../broker/redirect-uri.ts';
import { accessOf } from '../../domain/callers/access.ts';
import { impliedOrganization } from '../../domain/callers/caller.ts';
import { isNamed } from '../../domain/connections/template-fields.ts';
import { BrokerError } from '../../domain/errors.ts';
import type { ProviderCatalogue } from '../../domain/ports/oauth.ts';
import { optionalText } from '../server/forms.ts';
import type { Pages } from '../server/page-route.ts';
import type { Visit } from '../server/visit.ts';
import { providerList } from './provider-list.ts';
import { providerPage } from './provider-page.ts';

export type Catalogue = Pick<ProviderCatalogue, 'find' | 'list'>;

const listQuery = z.object({ q: optionalText });
const params = z.object({ id: z.string().max(512) });
const section = 'providers';

export function providerPages(pages: Pages, catalogue: Catalogue): void {
  pages.mount(
    { method: 'GET', path: '/providers', access: accessOf.listProviders, query: listQuery },
    async (visit, { query: { q } }) => {
      const found = catalogue.list().filter((template) => isNamed(template, q ?? ''));
      return { title: 'Providers', section, body: providerList(visit, q, found) };
    },
  );

  pages.mount(
    { method: 'GET', path: '/providers/{id}', access: accessOf.getProvider, params },
    async (visit, { params: { id } }) => {
      const template = catalogue.find(id);
      if (template === undefined) throw BrokerError.of('not_found', 'There is no such provider template.');
      return { title: template.displayName, section, body: providerPage(visit, template, redirectUrisOf(visit)) };
    },
  );
}

/** A visitor of several organisations sees a placeholder for the one that the connection will belong to. */
function redirectUrisOf({ caller, baseUrl }: Visit) {
  const own = impliedOrganization(caller);
  const redirectUriOf = createRedirectUriOf(() => baseUrl);
  const planned = plannedRedirectUris(redirectUriOf, caller, own);
  const reachesSeveral = caller.organizations === '*' || caller.organizations.length > 0;
  if (planned.organization !== null || !reachesSeveral) return planned;
  return { ...planned, organization: `${baseUrl}/callback/{organization}/{connection_name}` };
}
