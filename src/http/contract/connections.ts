import { z } from 'zod';
import { accessOf } from '../../domain/callers/access.ts';
import { flows } from '../../domain/connections/connection.ts';
import { grantStatuses } from '../../domain/grants/grant.ts';
import { declare } from '../declaration.ts';
import { changePreview } from '../schemas/change-preview.ts';
import { connectionPatch, connectionReplacement, newConnection } from '../schemas/connection-input.ts';
import { connectionDetail, connectionList, deletedConnection } from '../schemas/connections.ts';
import { queryBoolean, queryInteger, queryText } from '../schemas/fields/text.ts';
import { examples } from './examples.ts';
import { connectionParams } from './parameters.ts';

const ifMatch = z.object({
  'If-Match': z
    .string()
    .max(4096)
    .optional()
    .describe('ETag that the change is based on, weak or strong, several of them, or *. If none matches: 412.'),
});
const tagged = {
  description: 'The connection.',
  schema: connectionDetail,
  headers: { ETag: 'Version of the configuration. Refreshes do not change it.' },
  example: examples.detail,
};
const dryRun = {
  dry_run: queryBoolean(false).describe(
    'Change nothing and return what the call would do. The checks are the same; would_disconnect, dependent_workflows and client_secret_required are reported as effects.',
  ),
};
/** Declares a response that carries `schema`, or a preview if the request sets dry_run. */
const orPreview = <R extends { description: string; schema: z.ZodType }>(response: R) => ({
  ...response,
  description: `${response.description} With dry_run: what the call would do.`,
  schema: z.union([response.schema, changePreview]),
});

export const createConnection = declare({
  operationId: 'createConnection',
  tag: 'Connections',
  summary: 'Create a connection',
  description:
    'A client_credentials connection requests its first token at once. If that fails, the connection is kept with status failed and the reason.',
  method: 'POST',
  path: '/connections',
  access: accessOf.createConnection,
  query: z.object(dryRun),
  body: newConnection,
  bodyExample: examples.newConnection,
  responses: {
    200: { description: 'With dry_run: what the call would do.', schema: changePreview, example: examples.preview },
    201: { ...tagged, headers: { ...tagged.headers, Location: 'Path of the connection.' } },
  },
  problems: ['connection_exists'],
});

export const listConnections = declare({
  operationId: 'listConnections',
  tag: 'Connections',
  summary: 'List connections',
  description: 'Lists the organisation’s connections and, unless include_global is false, the global ones.',
  method: 'GET',
  path: '/connections',
  access: accessOf.listConnections,
  query: z.object({
    include_global: queryBoolean(true).describe('Also list global connections.'),
    status: z.enum(grantStatuses).optional().describe('Only connections with this status.'),
    provider: queryText(64).describe('Only connections with this provider template.'),
    flow: z.enum(flows).optional().describe('Only connections with this flow.'),
    q: queryText(200).describe('Only connections whose name or description contains this text.'),
    limit: queryInteger({ min: 1, max: 200, default: 50 }).describe('Maximum connections on a page.'),
    cursor: queryText(1024).describe('next_cursor of the previous page.'),
  }),
  responses: { 200: { description: 'A page of connections.', schema: connectionList, example: examples.list } },
  problems: [],
});

export const getConnection = declare({
  operationId: 'getConnection',
  tag: 'Connections',
  summary: 'Read a connection',
  description: 'Reads the organisation’s connection. Without one, reads the global connection of that name.',
  method: 'GET',
  path: '/connections/{name}',
  access: accessOf.getConnection,
  params: connectionParams,
  responses: { 200: tagged },
  problems: ['connection_not_found'],
});

const edited = { 200: orPreview(tagged) };
const editProblems = [
  'connection_not_found',
  'client_secret_required',
  'would_disconnect',
  'precondition_failed',
] as const;
const editQuery = z.object({
  ...dryRun,
  confirm_disconnect: queryBoolean(false).describe('Edit the connection although that drops tokens of working grants.'),
});

export const patchConnection = declare({
  operationId: 'patchConnection',
  tag: 'Connections',
  summary: 'Change a connection',
  description:
    'Applies a JSON merge patch (RFC 7396). A change of where secrets are sent requires client_secret in the same request and deletes the tokens. After test_url or revocation_url moves to another host, tokens of existing grants are not sent there, nor is a client_secret of before.',
  method: 'PATCH',
  path: '/connections/{name}',
  access: accessOf.patchConnection,
  params: connectionParams,
  query: editQuery,
  headers: ifMatch,
  body: connectionPatch,
  bodyExample: { description: 'Customer data', authorize_params: { audience: null } },
  mediaTypes: ['application/merge-patch+json'],
  responses: edited,
  problems: editProblems,
});

export const replaceConnection = declare({
  operationId: 'replaceConnection',
  tag: 'Connections',
  summary: 'Replace a connection',
  description:
    'Omitted optional fields are set to their defaults; client_secret is kept. URLs change with the same effects as in patchConnection.',
  method: 'PUT',
  path: '/connections/{name}',
  access: accessOf.replaceConnection,
  params: connectionParams,
  query: editQuery,
  headers: ifMatch,
  body: connectionReplacement,
  bodyExample: examples.newConnection,
  responses: edited,
  problems: editProblems,
});

export const deleteConnection = declare({
  operationId: 'deleteConnection',
  tag: 'Connections',
  summary: 'Delete a connection',
  description:
    'Deletes the connection with its grants and authorizations, and disables the workflows that depend on it. Tokens are revoked at the provider if it has a revocation endpoint. If it fails, the revocation is repeated for up to seven days.',
  method: 'DELETE',
  path: '/connections/{name}',
  access: accessOf.deleteConnection,
  params: connectionParams,
  headers: ifMatch,
  query: z.object({
    ...dryRun,
    confirm_disable_workflows: queryBoolean(false).describe(
      'Delete the connection although workflows depend on it, and disable these.',
    ),
  }),
  responses: {
    200: orPreview({
      description: 'Connection deleted.',
      schema: deletedConnection,
      example: {
        message: 'The connection crm is deleted.',
        disabled_workflows: [{ workflow_id: 'sync-contacts', workflow_name: 'Contact sync' }],
      },
    }),
  },
  problems: ['connection_not_found', 'dependent_workflows', 'precondition_failed'],
});
