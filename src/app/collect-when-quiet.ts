import { performance } from 'node:perf_hooks';

export interface Engine {
  collect: () => void;
  /** Of the event loop since it was last asked, from 0 to 1. */
  utilization: () => number;
}

const lookMs = 2_000;
const busyFrom = 0.2;
const quietBelow = 0.05;
/** A collection may take a fifth of a second, and the next burst finds the heap small: it has to be quiet for a while. */
const quietLooks = { afterStart: 3, afterWork: 15 };

/**
 * The engine collects when memory is asked for, and a process that has nothing to do asks for none: what its start or a
 * busy time left behind would stay with it. Collects once after each such time. Ends with the process, and does nothing
 * in one that was started without --expose-gc.
 */
export function collectWhenQuiet(): void {
  const { gc } = globalThis;
  if (gc === undefined) return;
  const collect = () => void gc({ type: 'major', flavor: 'last-resort' });
  setInterval(createLook({ collect, utilization: loopUtilization() }), lookMs).unref();
}

/** To be called at intervals, from a busy time on. */
export function createLook({ collect, utilization }: Engine): () => void {
  let wasBusy = true;
  let needed = quietLooks.afterStart;
  let quiet = 0;
  return () => {
    const used = utilization();
    if (used >= busyFrom) wasBusy = true;
    quiet = used < quietBelow ? quiet + 1 : 0;
    if (!wasBusy || quiet < needed) return;
    wasBusy = false;
    needed = quietLooks.afterWork;
    collect();
  };
}

function loopUtilization(): () => number {
  let last = performance.eventLoopUtilization();
  return () => {
    const before = last;
    last = performance.eventLoopUtilization();
    return performance.eventLoopUtilization(last, before).utilization;
  };
}
