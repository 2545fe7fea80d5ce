import type { Caller } from '../../../domain/callers/caller.ts';
import type { FleetForecast, FleetNeeds, FleetReader } from '../../../domain/ports/fleet.ts';

/** Reads what needs a person now, within the caller's organisations. */
export type ReadNeeds = (caller: Caller) => Promise<FleetNeeds>;

/** Reads what happens to tokens within the caller's organisations from `now` on: by hour for a day, by day for a week. */
export type ReadForecast = (caller: Caller, now: Date) => Promise<FleetForecast>;

export function createReadNeeds({ fleet }: { fleet: Pick<FleetReader, 'readNeeds'> }): ReadNeeds {
  return (caller) => fleet.readNeeds(caller);
}

export function createReadForecast({
  fleet,
  windowMs,
}: {
  fleet: Pick<FleetReader, 'readForecast'>;
  windowMs: number;
}): ReadForecast {
  return (caller, now) => fleet.readForecast(caller, { now, windowMs });
}
