import { z } from 'zod';
import { accessOf } from '../../../domain/callers/access.ts';
import { organizationIdPattern } from '../../../domain/connections/connection.ts';
import { grantStatuses } from '../../../domain/grants/grant.ts';
import { declare } from '../../declaration.ts';
import { fleetConnectionDetail, fleetConnectionList } from '../../schemas/admin/connections.ts';
import { queryInteger, queryText } from '../../schemas/fields/text.ts';
import { examples } from '../examples.ts';
import { opaque } from '../parameters.ts';

const { authorize_params: _, token_params: __, ...detail } = examples.detail;
const { connections, next_cursor } = examples.list;
const console_url = 'https://broker.example/console/connections/crm?organization=acme';

export const listFleetConnections = declare({
  operationId: 'listFleetConnections',
  tag: 'Administration',
  summary: 'List connections across organisations',
  description:
    'Lists the connections that the caller’s organisations own, and the global ones if the caller has the global scope. The status is that which the owner sees: of the grant that serves the owner without a subject, otherwise of its latest authorization. It changes with the clock, so no index holds it: a page with status or q reads at most 10,000 connections and may be short, or empty, although others follow. The order depends on the filters and is the same for all pages of one list.',
  method: 'GET',
  path: '/admin/connections',
  access: accessOf.listFleetConnections,
  query: z.object({
    organization_id: z
      .string()
      .regex(organizationIdPattern, 'is not an organisation id')
      .optional()
      .describe('Only connections that this organisation owns.'),
    status: z.enum(grantStatuses).optional().describe('Only connections with this status.'),
    provider: queryText(100).describe('Only connections of this provider.'),
    q: queryText(200).describe('Only connections whose name or description contains this text.'),
    limit: queryInteger({ min: 1, max: 200, default: 50 }).describe('Maximum connections on a page.'),
    cursor: queryText(4096).describe('next_cursor of the previous page, with the same filters.'),
  }),
  responses: {
    200: {
      description: 'A page of connections.',
      schema: fleetConnectionList,
      example: {
        connections: connections.map(({ shadowed: ___, ...connection }) => ({ ...connection, console_url })),
        next_cursor,
      },
    },
  },
  problems: [],
});

export const getFleetConnection = declare({
  operationId: 'getFleetConnection',
  tag: 'Administration',
  summary: 'Read a connection of any organisation',
  description: 'Shows the connection as its owner sees it, without authorize_params and token_params.',
  method: 'GET',
  path: '/admin/connections/{id}',
  access: accessOf.getFleetConnection,
  params: z.object({ id: opaque.describe('Id of the connection.') }),
  responses: {
    200: {
      description: 'The connection.',
      schema: fleetConnectionDetail,
      example: {
        ...detail,
        console_url,
        grants: { by_status: { not_connected: 0, completed: 1200, failed: 4 }, complete: true },
      },
    },
  },
  problems: ['connection_not_found'],
});
