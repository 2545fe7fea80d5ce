import type { BrokerPorts, BrokerSettings } from './broker-ports.ts';
import { createCheckHealth } from './check-health.ts';
import { createForecastExpiries } from './forecast-expiries.ts';
import { createRefreshAhead } from './refresh-ahead.ts';
import { createRefreshDueGrant } from './refresh-due-grant.ts';
import type { RefreshGrant } from './refresh-grant.ts';
import { createSweepDueGrants, isSweepOverdue } from './sweep-due-grants.ts';
import { createTallySweeps } from './tally-sweeps.ts';

/** What runs by the clock, and in the background. */
export function createUpkeep(
  ports: BrokerPorts,
  { schedule, healthCheckIntervalMs: intervalMs, expiryWarningMs: warningMs }: BrokerSettings,
  { refreshGrant }: { refreshGrant: RefreshGrant },
) {
  const { sweeps, queue, health, forecasts, oauth, catalogue, cipher, newId, clock, sleep, ended } = ports;
  const { onBackgroundError: onError, onExpiryWarning: onWarning } = ports;
  const tally = createTallySweeps({ sweeps, sleep: (ms) => sleep(ms, ended), onError });
  return {
    sweepDueGrants: createSweepDueGrants({ sweeps, queue, newId, clock, sleep, schedule }),
    isSweepOverdue: () => isSweepOverdue({ sweeps, clock, schedule }),
    refreshDueGrant: createRefreshDueGrant({ refreshGrant, tally, clock, schedule }),
    flushTally: () => tally.flush(),
    refreshAhead: createRefreshAhead({ refreshGrant }),
    checkHealth: createCheckHealth({ health, oauth, catalogue, cipher, clock, intervalMs, onError }),
    forecastExpiries: createForecastExpiries({ forecasts, clock, warningMs, onWarning }),
  };
}
