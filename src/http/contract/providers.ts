import { z } from 'zod';
import { accessOf } from '../../domain/callers/access.ts';
import { organizationIdPattern } from '../../domain/connections/connection.ts';
import { declare } from '../declaration.ts';
import { connectionName, queryText } from '../schemas/fields/text.ts';
import { providerDetail, providerList } from '../schemas/providers.ts';
import { opaque } from './parameters.ts';

/** Optional, unlike on routes of an organisation: a template is the same for every caller. */
const headers = z.object({
  'X-Organization-Id': z
    .string()
    .regex(organizationIdPattern)
    .optional()
    .describe('Organisation whose redirect URI is shown. Without it, the only organisation of the key.'),
});

const named = {
  connection_name: connectionName
    .optional()
    .describe('Name that the connection will have. The redirect URIs then hold it.'),
};

export const listProviders = declare({
  operationId: 'listProviders',
  tag: 'Providers',
  summary: 'List provider templates',
  method: 'GET',
  path: '/providers',
  access: accessOf.listProviders,
  headers,
  query: z.object({
    ...named,
    q: queryText(255).describe('Part of the id or of the display name, in any case.'),
  }),
  responses: { 200: { description: 'Provider templates.', schema: providerList } },
  problems: [],
});

export const getProvider = declare({
  operationId: 'getProvider',
  tag: 'Providers',
  summary: 'Read a provider template',
  description: 'What a person needs to know to register a client at the provider and to create a connection.',
  method: 'GET',
  path: '/providers/{id}',
  access: accessOf.getProvider,
  params: z.object({ id: opaque.describe('Id of the template.') }),
  headers,
  query: z.object(named),
  responses: { 200: { description: 'The provider template.', schema: providerDetail } },
  problems: ['not_found'],
});
