import { z } from 'zod';
import { flows } from '../../domain/connection.ts';
import { grantStatuses } from '../../domain/grant.ts';
import { declare } from '../declaration.ts';
import { connectionDetail, connectionList, deletedConnection } from '../schemas/connection.ts';
import { connectionPatch, connectionReplacement, newConnection } from '../schemas/connection-input.ts';
import { queryBoolean, queryInteger, queryText } from '../schemas/text.ts';
import { examples } from './examples.ts';
import { connectionParams } from './parameters.ts';

const ifMatch = z.object({
  'If-Match': z.string().max(4096).optional().describe('Entity tags of the configuration this edit starts from, or *.'),
});
const tagged = {
  description: 'The connection.',
  schema: connectionDetail,
  headers: { ETag: 'Of the configuration; refreshes do not move it.' },
  example: examples.detail,
};
const read = { for: 'organization', permission: 'connections:read' } as const;
const write = { for: 'organization', permission: 'connections:write' } as const;

export const createConnection = declare({
  operationId: 'createConnection',
  tag: 'Connections',
  summary: 'Create a connection',
  description: 'A client_credentials connection fetches its first token at once: completed, or failed with the reason.',
  method: 'POST',
  path: '/connections',
  access: write,
  body: newConnection,
  bodyExample: examples.newConnection,
  answers: { 201: { ...tagged, headers: { ...tagged.headers, Location: 'Where the connection is.' } } },
  problems: ['connection_exists'],
});

export const listConnections = declare({
  operationId: 'listConnections',
  tag: 'Connections',
  summary: 'List connections',
  method: 'GET',
  path: '/connections',
  access: read,
  query: z.object({
    include_global: queryBoolean(true).describe('Global connections beside the organisation’s own.'),
    status: z.enum(grantStatuses).optional(),
    provider: queryText(64),
    flow: z.enum(flows).optional(),
    q: queryText(200).describe('Part of the name or the description.'),
    limit: queryInteger({ min: 1, max: 200, default: 50 }),
    cursor: queryText(1024).describe('next_cursor of an earlier page.'),
  }),
  answers: { 200: { description: 'One page.', schema: connectionList, example: examples.list } },
  problems: [],
});

export const getConnection = declare({
  operationId: 'getConnection',
  tag: 'Connections',
  summary: 'Read a connection',
  description: 'The organisation’s own, else the global one of that name.',
  method: 'GET',
  path: '/connections/{name}',
  access: read,
  params: connectionParams,
  answers: { 200: tagged },
  problems: ['connection_not_found'],
});

const edited = { 200: tagged };
const editProblems = ['connection_not_found', 'client_secret_required', 'precondition_failed'] as const;

export const patchConnection = declare({
  operationId: 'patchConnection',
  tag: 'Connections',
  summary: 'Change a connection',
  description:
    'A JSON merge patch (RFC 7396). A change of where secrets or tokens go needs client_secret in the same request and drops the tokens.',
  method: 'PATCH',
  path: '/connections/{name}',
  access: write,
  params: connectionParams,
  headers: ifMatch,
  body: connectionPatch,
  bodyExample: { description: 'Customer data', authorize_params: { audience: null } },
  mediaTypes: ['application/merge-patch+json'],
  answers: edited,
  problems: editProblems,
});

export const replaceConnection = declare({
  operationId: 'replaceConnection',
  tag: 'Connections',
  summary: 'Replace a connection',
  description: 'Omitted optional fields return to their defaults; client_secret is kept.',
  method: 'PUT',
  path: '/connections/{name}',
  access: write,
  params: connectionParams,
  headers: ifMatch,
  body: connectionReplacement,
  bodyExample: examples.newConnection,
  answers: edited,
  problems: editProblems,
});

export const deleteConnection = declare({
  operationId: 'deleteConnection',
  tag: 'Connections',
  summary: 'Delete a connection',
  description: 'With everything below it; tokens are revoked at the provider where it can.',
  method: 'DELETE',
  path: '/connections/{name}',
  access: write,
  params: connectionParams,
  query: z.object({
    confirm_disable_workflows: queryBoolean(false).describe('Disables the workflows that depend on it.'),
  }),
  answers: {
    200: {
      description: 'It is gone.',
      schema: deletedConnection,
      example: { message: 'The connection crm is deleted.', disabled_workflows: [] },
    },
  },
  problems: ['connection_not_found', 'dependent_workflows'],
});
