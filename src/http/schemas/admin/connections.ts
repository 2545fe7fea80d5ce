import { z } from 'zod';
import type { ConnectionGrantCounts } from '../../../broker/administration/read-fleet-connections.ts';
import type { ConnectionView } from '../../../broker/connections/connection-view.ts';
import { connectionPage } from '../../../domain/console/console-pages.ts';
import { connectionDetail, connectionSummary, toDetail, toSummary } from '../connections.ts';
import { countByStatus } from './stats.ts';

const consoleUrl = z.string().describe('Page of the connection in the console, as its owner sees it.');

export const fleetConnection = connectionSummary
  .omit({ shadowed: true })
  .extend({ console_url: consoleUrl })
  .meta({ id: 'FleetConnection' });

export const fleetConnectionList = z
  .object({
    connections: z.array(fleetConnection),
    next_cursor: z
      .string()
      .nullable()
      .describe('Cursor of the next page; null on the last page. A page may be short, or empty, and others follow.'),
  })
  .meta({ id: 'FleetConnectionList' });

/** The parameters can hold secrets of the owner, which a key with admin:read alone may not see. */
export const fleetConnectionDetail = connectionDetail
  .omit({ authorize_params: true, token_params: true })
  .extend({
    console_url: consoleUrl,
    grants: z
      .object({
        by_status: countByStatus,
        complete: z.boolean().describe('False if counting stopped after 10,000 grants.'),
      })
      .describe('Grants of the connection whose owners are within the caller’s organisations.'),
  })
  .meta({ id: 'FleetConnectionDetail' });

/** `baseUrl`: PUBLIC_URL with BASE_PATH. */
export function toFleetConnection(view: ConnectionView, baseUrl: string): z.input<typeof fleetConnection> {
  const { shadowed: _, ...summary } = toSummary(view);
  return { ...summary, console_url: consoleUrlOf(view, baseUrl) };
}

export function toFleetConnectionDetail(
  view: ConnectionView,
  { byStatus, isComplete }: ConnectionGrantCounts,
  baseUrl: string,
): z.input<typeof fleetConnectionDetail> {
  const { authorize_params: _, token_params: __, ...detail } = toDetail(view, view.connection.organizationId);
  return {
    ...detail,
    console_url: consoleUrlOf(view, baseUrl),
    grants: { by_status: byStatus, complete: isComplete },
  };
}

function consoleUrlOf({ connection }: ConnectionView, baseUrl: string): string {
  return `${baseUrl}${connectionPage(connection)}`;
}
