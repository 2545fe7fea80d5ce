import { z } from 'zod';
import { accessOf } from '../../domain/callers/access.ts';
import { grantStatuses } from '../../domain/grants/grant.ts';
import { declare } from '../declaration.ts';
import { queryInteger, queryText } from '../schemas/fields/text.ts';
import {
  grantList,
  grantRevocation,
  grantSelector,
  grantSummary,
  importedTokens,
  revokedGrants,
  testReport,
} from '../schemas/grants.ts';
import { examples } from './examples.ts';
import { connectionParams, opaque } from './parameters.ts';

const grantParams = connectionParams.extend({ grant_id: opaque.describe('Id of the grant.') });

export const listGrants = declare({
  operationId: 'listGrants',
  tag: 'Grants',
  summary: 'List the organisation’s grants of a connection',
  description: 'Without an organisation, lists the shared grants of a global connection.',
  method: 'GET',
  path: '/connections/{name}/grants',
  access: accessOf.listGrants,
  params: connectionParams,
  query: z.object({
    status: z.enum(grantStatuses).optional().describe('Only grants with this status.'),
    subject: queryText(255).describe('Only grants of this subject.'),
    q: queryText(200).describe('Only grants whose subject, account id or account name contains this text.'),
    limit: queryInteger({ min: 1, max: 200, default: 50 }).describe('Maximum grants on a page.'),
    cursor: queryText(1024).describe('next_cursor of the previous page.'),
  }),
  responses: { 200: { description: 'A page of grants, oldest first.', schema: grantList, example: examples.grants } },
  problems: ['connection_not_found'],
});

export const getGrant = declare({
  operationId: 'getGrant',
  tag: 'Grants',
  summary: 'Read one grant of the organisation',
  method: 'GET',
  path: '/connections/{name}/grants/{grant_id}',
  access: accessOf.getGrant,
  params: grantParams,
  responses: { 200: { description: 'The grant.', schema: grantSummary, example: examples.grant } },
  problems: ['connection_not_found', 'grant_not_found'],
});

export const importGrant = declare({
  operationId: 'importGrant',
  tag: 'Grants',
  summary: 'Import an existing token set',
  description:
    'Stores tokens that were obtained elsewhere, as single fields or as the raw token response. They replace an existing grant of the same subject and account. Without an expiry the grant is refreshed at the next sweep, to learn the lifetime of its token. verify refreshes or tests the grant at once; the grant is kept whatever the outcome.',
  method: 'POST',
  path: '/connections/{name}/grants',
  access: accessOf.importGrant,
  params: connectionParams,
  body: importedTokens,
  bodyExample: examples.imported,
  responses: { 201: { description: 'Tokens imported.', schema: grantSummary, example: examples.grant } },
  problems: ['import_not_allowed', 'connection_not_found'],
});

export const deleteGrant = declare({
  operationId: 'deleteGrant',
  tag: 'Grants',
  summary: 'Delete a grant',
  description: 'If an organisation deletes its grant of a global connection, the shared grant is used again.',
  method: 'DELETE',
  path: '/connections/{name}/grants/{grant_id}',
  access: accessOf.deleteGrant,
  params: grantParams,
  responses: { 204: { description: 'Grant deleted.' } },
  problems: ['connection_not_found', 'grant_not_found'],
});

const selected = { method: 'POST', params: connectionParams, bodyExample: { subject: 'user-42' } } as const;

export const refreshGrant = declare({
  ...selected,
  operationId: 'refreshGrant',
  tag: 'Grants',
  summary: 'Refresh a grant now',
  description: 'Refreshes the grant of the subject and account, even if its token is still valid.',
  path: '/connections/{name}/refresh',
  access: accessOf.refreshGrant,
  body: grantSelector,
  responses: { 200: { description: 'The refreshed grant.', schema: grantSummary, example: examples.grant } },
  problems: [
    'connection_not_found',
    'grant_not_found',
    'not_refreshable',
    'account_ambiguous',
    'connection_not_ready',
    'provider_unavailable',
  ],
});

export const testConnection = declare({
  ...selected,
  operationId: 'testConnection',
  tag: 'Grants',
  summary: 'Test a connection at the provider',
  description:
    'Calls the test URL of the provider with a valid access token. The result is kept as health of the grant.',
  path: '/connections/{name}/test',
  access: accessOf.testConnection,
  body: grantSelector,
  responses: {
    200: {
      description: 'Result of the test. A failed test is a 200 response with test_result failed.',
      schema: testReport,
      example: {
        test_result: 'success',
        message: 'The provider accepted the token.',
        tested_at: '2030-01-31T12:00:00.000Z',
        response_time_ms: 120,
      },
    },
  },
  problems: [
    'connection_not_found',
    'grant_not_found',
    'account_ambiguous',
    'connection_not_ready',
    'provider_unavailable',
  ],
});

export const revokeGrants = declare({
  ...selected,
  operationId: 'revokeGrants',
  tag: 'Grants',
  summary: 'Revoke grants',
  description:
    'Revokes the tokens at the provider if it has a revocation endpoint (RFC 7009). The broker stops using the grants in any case.',
  path: '/connections/{name}/revoke',
  access: accessOf.revokeGrants,
  body: grantRevocation,
  responses: {
    200: {
      description: 'The revoked grants; empty if there was none.',
      schema: revokedGrants,
      example: {
        revoked: [
          { grant_id: examples.grant.grant_id, subject: 'user-42', account_id: '4711', revoked_at_provider: true },
        ],
      },
    },
  },
  problems: ['connection_not_found', 'grant_not_found'],
});
