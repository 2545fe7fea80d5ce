import { createExportAuditEvents } from '../administration/export-audit-events.ts';
import { createListAuditEvents } from '../administration/list-audit-events.ts';
import { createListSweeps } from '../administration/list-sweeps.ts';
import { createReadAttention } from '../administration/overview/read-attention.ts';
import { createReadForecast, createReadNeeds } from '../administration/overview/read-overview.ts';
import { createReadQueue } from '../administration/overview/read-queue.ts';
import { createRequestSweep } from '../administration/request-sweep.ts';
import type { BrokerPorts, BrokerSettings } from './broker-ports.ts';

/** Builds the use cases of administrators. */
export function createAdministration(ports: BrokerPorts, settings: BrokerSettings) {
  const { audit, database, sweeps, queue, fleet, readings, circuits, keyBackups, clock } = ports;
  const { callsTokenEndpoints, schedule, expiryWarningMs, heldKeyIds } = settings;
  const shown = { schedule, expiryWarningMs, callsTokenEndpoints, heldKeyIds };
  return {
    listAuditEvents: createListAuditEvents({ audit }),
    exportAuditEvents: createExportAuditEvents({ audit }),
    requestSweep: createRequestSweep({ database, sweeps, queue, clock, callsTokenEndpoints }),
    listSweeps: createListSweeps({ sweeps }),
    readNeeds: createReadNeeds({ fleet }),
    readForecast: createReadForecast({ fleet, windowMs: schedule.windowMs }),
    readAttention: createReadAttention({ fleet, readings, circuits, keyBackups, clock, ...shown }),
    readQueue: createReadQueue({ readings }),
  };
}
