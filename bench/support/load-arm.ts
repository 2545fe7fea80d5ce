import type { Arm } from './interleave.ts';
import { type Load, runLoad } from './load.ts';
import { processorSeconds } from './processes.ts';
import type { Figure } from './report.ts';
import { median } from './statistics.ts';

export interface LoadArm extends Arm {
  /** Processor time of the process under load per request; undefined if the system does not provide it. */
  processorMicroseconds(): number | undefined;
}

/** Creates one side of a comparison: rounds of one load on one process. */
export function createLoadArm(name: string, pid: number, load: Load): LoadArm {
  const perRequest: number[] = [];
  return {
    name,
    async measure() {
      const before = processorSeconds(pid);
      const { requestsPerSecond, count } = await runLoad(load);
      const after = processorSeconds(pid);
      if (before !== undefined && after !== undefined) perRequest.push(((after - before) * 1e6) / count);
      return requestsPerSecond;
    },
    processorMicroseconds: () => (perRequest.length === 0 ? undefined : median(perRequest)),
  };
}

/** Returns no figures if the system does not provide processor times. */
export function processorFigures(subject: LoadArm, baseline: LoadArm): Figure[] {
  const [subjectTime, baselineTime] = [subject.processorMicroseconds(), baseline.processorMicroseconds()];
  if (subjectTime === undefined || baselineTime === undefined) return [];
  const what = 'processor time of the Node process';
  return [{ what, value: subjectTime, unit: 'µs/req', baseline: baselineTime, ratio: subjectTime / baselineTime }];
}
