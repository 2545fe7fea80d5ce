import { z } from 'zod';
import { declare } from '../declaration.ts';
import { providerDetail, providerList } from '../schemas/provider.ts';
import { opaque } from './parameters.ts';

const access = { for: 'caller', permission: 'connections:read' } as const;

export const listProviders = declare({
  operationId: 'listProviders',
  tag: 'Providers',
  summary: 'List provider templates',
  method: 'GET',
  path: '/providers',
  access,
  answers: { 200: { description: 'All of them.', schema: providerList } },
  problems: [],
});

export const getProvider = declare({
  operationId: 'getProvider',
  tag: 'Providers',
  summary: 'Read a provider template',
  method: 'GET',
  path: '/providers/{id}',
  access,
  params: z.object({ id: opaque }),
  answers: { 200: { description: 'The template.', schema: providerDetail } },
  problems: ['not_found'],
});
