import type { BrokerPorts, BrokerSettings } from './broker-ports.ts';
import { createAdministration } from './create-administration.ts';
import { createAuthorizations } from './create-authorizations.ts';
import { createCallers } from './create-callers.ts';
import { createConnections } from './create-connections.ts';
import { createEngine } from './create-engine.ts';
import { createFleet } from './create-fleet.ts';
import { createGrants } from './create-grants.ts';
import { createKeys } from './create-keys.ts';
import { createHealthChecks, createMaintenance } from './create-maintenance.ts';
import { createRevocations } from './create-revocations.ts';
import { createWorkflows } from './create-workflows.ts';

export type Broker = ReturnType<typeof createBroker>;

/** Builds all use cases, each from exactly the ports it uses. */
export function createBroker(ports: BrokerPorts, settings: BrokerSettings) {
  const engine = createEngine(ports, settings);
  const revocations = createRevocations(ports, settings);
  return {
    ...engine,
    ...createMaintenance(ports, settings, engine, revocations),
    ...createConnections(ports, settings, revocations),
    ...createAuthorizations(ports, settings, revocations),
    ...createGrants(ports, settings, engine, revocations),
    ...createCallers(ports, settings),
    ...createWorkflows(ports),
    ...createAdministration(ports, settings),
    ...createFleet(ports, settings),
    ...createKeys(ports, settings),
    ...createHealthChecks(ports, settings),
  };
}
