import type { FastifyInstance } from 'fastify';
import type { ProviderCatalogue } from '../../domain/ports/oauth.ts';
import * as routes from '../contract/providers.ts';
import { mount } from '../mount.ts';
import { notFound } from '../problem.ts';
import { toProviderDetail, toProviderSummary } from '../schemas/provider.ts';

export function providerRoutes(app: FastifyInstance, catalogue: Pick<ProviderCatalogue, 'find' | 'list'>): void {
  mount(app, routes.listProviders, async () => ({ providers: catalogue.list().map(toProviderSummary) }));

  mount(app, routes.getProvider, async ({ params }) => {
    const template = catalogue.find(params.id);
    if (template === undefined) throw notFound('There is no such provider template.');
    return toProviderDetail(template);
  });
}
