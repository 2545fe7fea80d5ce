import { z } from 'zod';
import { accessOf } from '../../../domain/callers/access.ts';
import { declare } from '../../declaration.ts';
import { apiKeyList, createdApiKey, newApiKey } from '../../schemas/admin/api-keys.ts';
import { queryBoolean } from '../../schemas/fields/text.ts';
import { examples } from '../examples.ts';
import { opaque } from '../parameters.ts';

export const createApiKey = declare({
  operationId: 'createApiKey',
  tag: 'Administration',
  summary: 'Create an API key',
  description:
    'A key cannot have more permissions, organisations or connections than the caller, and never expires later or has a higher rate limit. Only this response contains the key.',
  method: 'POST',
  path: '/admin/api-keys',
  access: accessOf.createApiKey,
  body: newApiKey,
  bodyExample: {
    name: 'workflow engine',
    permissions: ['credentials:read'],
    organizations: ['acme'],
    connections: ['crm*'],
  },
  responses: {
    201: {
      description: 'API key created.',
      schema: createdApiKey,
      headers: { Location: 'Path of the API key.' },
      example: { ...examples.apiKey, key: 'the-api-key' },
    },
  },
  problems: [],
});

export const listApiKeys = declare({
  operationId: 'listApiKeys',
  tag: 'Administration',
  summary: 'List API keys',
  description:
    'Lists the keys whose permissions, organisations and connections the caller also has. Secrets are never listed.',
  method: 'GET',
  path: '/admin/api-keys',
  access: accessOf.listApiKeys,
  responses: { 200: { description: 'API keys.', schema: apiKeyList, example: { api_keys: [examples.apiKey] } } },
  problems: [],
});

export const revokeApiKey = declare({
  operationId: 'revokeApiKey',
  tag: 'Administration',
  summary: 'Revoke an API key',
  description: 'The key stops working at once in every process of the broker.',
  method: 'DELETE',
  path: '/admin/api-keys/{id}',
  access: accessOf.revokeApiKey,
  params: z.object({ id: opaque.describe('Id of the API key.') }),
  query: z.object({
    cascade: queryBoolean(false).describe('Also revoke the keys that this key made, and the keys that those made.'),
  }),
  responses: { 204: { description: 'API key revoked.' } },
  problems: ['not_found'],
});
