import { createGetFleetConnection, createListFleetConnections } from '../administration/read-fleet-connections.ts';
import { createGetFleetGrant, createListFleetGrants } from '../administration/read-fleet-grants.ts';
import { createReadFleetStats } from '../administration/read-fleet-stats.ts';
import { createViewConnection } from '../connections/connection-view.ts';
import { createViewGrant } from '../grants/grant-view.ts';
import { createRedirectUriOf } from '../redirect-uri.ts';
import type { BrokerPorts, BrokerSettings } from './broker-ports.ts';

/** Builds the use cases that read across organisations. */
export function createFleet({ fleet, consents, sweeps, oauth, clock }: BrokerPorts, settings: BrokerSettings) {
  const redirectUriOf = createRedirectUriOf(settings.baseUrl);
  const viewConnection = createViewConnection({ oauth, redirectUriOf, policy: settings, clock });
  const viewGrant = createViewGrant(settings, clock);
  const { schedule, expiryWarningMs } = settings;
  return {
    readFleetStats: createReadFleetStats({ fleet, sweeps, windowMs: schedule.windowMs, expiryWarningMs }),
    listFleetGrants: createListFleetGrants({ fleet, viewGrant }),
    getFleetGrant: createGetFleetGrant({ fleet, consents, viewGrant }),
    listFleetConnections: createListFleetConnections({ fleet, viewConnection }),
    getFleetConnection: createGetFleetConnection({ fleet, viewConnection }),
    foldFleetCounts: () => fleet.fold(),
  };
}
