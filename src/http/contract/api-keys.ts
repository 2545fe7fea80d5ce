import { z } from 'zod';
import { declare } from '../declaration.ts';
import { apiKeyList, createdApiKey, newApiKey } from '../schemas/api-key.ts';
import { examples } from './examples.ts';
import { opaque } from './parameters.ts';

const write = { for: 'caller', permission: 'admin:write' } as const;

export const createApiKey = declare({
  operationId: 'createApiKey',
  tag: 'Administration',
  summary: 'Make an API key',
  description: 'Within its maker’s own permissions, organisations and connections. The key is shown this once.',
  method: 'POST',
  path: '/admin/api-keys',
  access: write,
  body: newApiKey,
  bodyExample: {
    name: 'workflow engine',
    permissions: ['credentials:read'],
    organizations: ['acme'],
    connections: ['crm*'],
  },
  answers: {
    201: {
      description: 'The key.',
      schema: createdApiKey,
      headers: { Location: 'Where the key is.' },
      example: { ...examples.apiKey, key: 'the-api-key' },
    },
  },
  problems: [],
});

export const listApiKeys = declare({
  operationId: 'listApiKeys',
  tag: 'Administration',
  summary: 'List API keys',
  description: 'Those within the caller’s reach; never the secrets.',
  method: 'GET',
  path: '/admin/api-keys',
  access: { for: 'caller', permission: 'admin:read' },
  answers: { 200: { description: 'All of them.', schema: apiKeyList, example: { api_keys: [examples.apiKey] } } },
  problems: [],
});

export const revokeApiKey = declare({
  operationId: 'revokeApiKey',
  tag: 'Administration',
  summary: 'Revoke an API key',
  description: 'At once, in every process.',
  method: 'DELETE',
  path: '/admin/api-keys/{id}',
  access: write,
  params: z.object({ id: opaque }),
  answers: { 204: { description: 'It works no more.' } },
  problems: ['not_found'],
});
