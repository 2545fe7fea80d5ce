import { z } from 'zod';
import { accessOf } from '../../../domain/callers/access.ts';
import { organizationIdPattern } from '../../../domain/connections/connection.ts';
import { grantStatuses, statusReasons } from '../../../domain/grants/grant.ts';
import { nextActions } from '../../../domain/next-action.ts';
import { declare } from '../../declaration.ts';
import { fleetGrantDetail, fleetGrantList } from '../../schemas/admin/grants.ts';
import { connectionName, instant, queryInteger, queryText } from '../../schemas/fields/text.ts';
import { examples } from '../examples.ts';
import { opaque } from '../parameters.ts';

const example = {
  ...examples.grant,
  organization_id: 'acme',
  connection_id: examples.detail.id,
  connection_name: 'crm',
  connection_organization_id: 'acme',
  provider: 'generic',
  status_message: null,
  console_url: `https://broker.example/console/connections/crm/grants/${examples.grant.grant_id}?organization=acme`,
};

export const listFleetGrants = declare({
  operationId: 'listFleetGrants',
  tag: 'Administration',
  summary: 'List grants across organisations',
  description:
    'Lists the grants that the caller’s organisations own, and the shared ones if the caller has the global scope. next_action=authorize finds the grants that need a person. Expired is no status: expires_before with the present time finds expired access tokens. Only grants have rows: the statuses waiting_callback and testing belong to authorizations and find none. A page reads at most 10,000 grants: with q, or with filters that few of many grants match, it may be short, or empty, although others follow. The order depends on the filters and is the same for all pages of one list.',
  method: 'GET',
  path: '/admin/grants',
  access: accessOf.listFleetGrants,
  query: z.object({
    organization_id: z
      .string()
      .regex(organizationIdPattern, 'is not an organisation id')
      .optional()
      .describe('Only grants that this organisation owns.'),
    connection_name: connectionName.optional().describe('Only grants of connections with this name.'),
    provider: queryText(100).describe('Only grants of this provider.'),
    status: z.enum(grantStatuses).optional().describe('Only grants with this status.'),
    status_reason: z.enum(statusReasons).optional().describe('Only grants with this reason.'),
    next_action: z
      .enum(nextActions)
      .optional()
      .describe('Only grants for which this is to be done: authorize for those that need a person.'),
    expires_before: instant.optional().describe('Only grants whose access token expires before this time.'),
    refresh_expires_before: instant.optional().describe('Only grants whose refresh token expires before this time.'),
    q: queryText(200).describe('Only grants whose subject, account id or account name contains this text.'),
    limit: queryInteger({ min: 1, max: 200, default: 50 }).describe('Maximum grants on a page.'),
    cursor: queryText(4096).describe('next_cursor of the previous page, with the same filters.'),
  }),
  responses: {
    200: {
      description: 'A page of grants.',
      schema: fleetGrantList,
      example: { grants: [example], next_cursor: null },
    },
  },
  problems: [],
});

export const getFleetGrant = declare({
  operationId: 'getFleetGrant',
  tag: 'Administration',
  summary: 'Read a grant of any organisation, with its history',
  method: 'GET',
  path: '/admin/grants/{id}',
  access: accessOf.getFleetGrant,
  params: z.object({ id: opaque.describe('Id of the grant.') }),
  responses: {
    200: {
      description: 'The grant.',
      schema: fleetGrantDetail,
      example: {
        ...example,
        requested_scopes: ['contacts.read', 'offline_access'],
        version: 7,
        obtained_at: '2030-01-31T12:00:00.000Z',
        created_at: '2030-01-01T09:00:00.000Z',
        updated_at: '2030-01-31T12:00:00.000Z',
        consecutive_failures: 0,
        failing_since: null,
        retry_at: null,
        last_test_at: '2030-01-31T12:00:00.000Z',
        health_error: null,
        revoked_at: null,
        revoked_by: null,
        revoked_reason: null,
        consents: [
          {
            id: '01980c31-8d44-7a10-b2c3-4d5e6f708192',
            how: 'authorization',
            actor: 'bootstrap',
            address: '192.0.2.10',
            subject: null,
            account_id: '4711',
            account_name: 'Ada',
            scopes: ['contacts.read', 'offline_access'],
            at: '2030-01-01T09:00:00.000Z',
            ended_at: null,
            ended_by: null,
            ended_actor: null,
            replaced_by: null,
          },
        ],
      },
    },
  },
  problems: ['grant_not_found'],
});
