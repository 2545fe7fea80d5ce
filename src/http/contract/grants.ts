import { declare } from '../declaration.ts';
import {
  grantList,
  grantRevocation,
  grantSelector,
  grantSummary,
  importedTokens,
  revokedGrants,
  testReport,
} from '../schemas/grant.ts';
import { examples } from './examples.ts';
import { connectionParams, opaque } from './parameters.ts';

const read = { for: 'organization', permission: 'connections:read' } as const;
const write = { for: 'organization', permission: 'connections:write' } as const;
const use = { for: 'organization', permission: 'connections:authorize' } as const;

export const listGrants = declare({
  operationId: 'listGrants',
  tag: 'Grants',
  summary: 'List the organisation’s grants of a connection',
  method: 'GET',
  path: '/connections/{name}/grants',
  access: read,
  params: connectionParams,
  answers: { 200: { description: 'All of them.', schema: grantList, example: examples.grants } },
  problems: ['connection_not_found'],
});

export const importGrant = declare({
  operationId: 'importGrant',
  tag: 'Grants',
  summary: 'Import an existing token set',
  description: 'An existing grant of that subject and account is replaced.',
  method: 'POST',
  path: '/connections/{name}/grants',
  access: write,
  params: connectionParams,
  body: importedTokens,
  bodyExample: examples.imported,
  answers: { 201: { description: 'The grant.', schema: grantSummary, example: examples.grant } },
  problems: ['connection_not_found'],
});

export const deleteGrant = declare({
  operationId: 'deleteGrant',
  tag: 'Grants',
  summary: 'Delete a grant',
  description: 'Where it hid a shared grant, that one serves again.',
  method: 'DELETE',
  path: '/connections/{name}/grants/{grant_id}',
  access: write,
  params: connectionParams.extend({ grant_id: opaque }),
  answers: { 204: { description: 'It is gone.' } },
  problems: ['connection_not_found', 'grant_not_found'],
});

const selected = { method: 'POST', params: connectionParams, bodyExample: { subject: 'user-42' } } as const;

export const refreshGrant = declare({
  ...selected,
  operationId: 'refreshGrant',
  tag: 'Grants',
  summary: 'Refresh now',
  path: '/connections/{name}/refresh',
  access: use,
  body: grantSelector,
  answers: { 200: { description: 'The refreshed grant.', schema: grantSummary, example: examples.grant } },
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
  summary: 'Probe the provider with the live token',
  path: '/connections/{name}/test',
  access: use,
  body: grantSelector,
  answers: {
    200: {
      description: 'What came of it.',
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
  description: 'At the provider where it has an endpoint (RFC 7009), here in any case.',
  path: '/connections/{name}/revoke',
  access: write,
  body: grantRevocation,
  answers: {
    200: {
      description: 'What was revoked.',
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
