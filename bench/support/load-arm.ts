import type { Arm } from './interleave.ts';
import { type Load, runLoad } from './load.ts';
import { processorSeconds } from './processes.ts';
import type { Figure } from './report.ts';
import { median } from './statistics.ts';

export interface LoadArm extends Arm {
  /** Of the process under load, for each request; undefined where the system does not tell. */
  processorMicroseconds(): number | undefined;
}

/** Rounds of one load on one process. */
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

/** None where the system does not tell. */
export function processorFigures(subject: LoadArm, baseline: LoadArm): Figure[] {
  const [own, theirs] = [subject.processorMicroseconds(), baseline.processorMicroseconds()];
  if (own === undefined || theirs === undefined) return [];
  const what = 'processor time of the Node process';
  return [{ what, value: own, unit: 'µs/req', baseline: theirs, ratio: own / theirs }];
}
