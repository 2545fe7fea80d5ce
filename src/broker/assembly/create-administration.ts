import { createExportAuditEvents } from '../administration/export-audit-events.ts';
import { createListAuditEvents } from '../administration/list-audit-events.ts';
import { createListSweeps } from '../administration/list-sweeps.ts';
import { createRequestSweep } from '../administration/request-sweep.ts';
import type { BrokerPorts, BrokerSettings } from './broker-ports.ts';

/** Builds the use cases of administrators. */
export function createAdministration(ports: BrokerPorts, { callsTokenEndpoints }: BrokerSettings) {
  const { audit, database, sweeps, queue, clock } = ports;
  return {
    listAuditEvents: createListAuditEvents({ audit }),
    exportAuditEvents: createExportAuditEvents({ audit }),
    requestSweep: createRequestSweep({ database, sweeps, queue, clock, callsTokenEndpoints }),
    listSweeps: createListSweeps({ sweeps }),
  };
}
