import { fork } from './fork.ts';
import { percentile } from './statistics.ts';

/** What one run asks for: for a time, or each path once. */
export interface Load {
  url: string;
  /** Each connection walks its own share of them, over and over. */
  paths: readonly string[];
  headers?: Record<string, string>;
  /** Callers that each wait for their answer before they ask again. */
  connections: number;
  /** Absent: until each path was asked for once. */
  seconds?: number;
}

export interface LoadReport {
  seconds: number;
  /** Of each answer, unordered. */
  latenciesMs: number[];
  /** Answers other than 2xx, broken connections and timeouts. */
  failures: number;
}

export interface LoadResult {
  requestsPerSecond: number;
  count: number;
  p50Ms: number;
  p99Ms: number;
}

/** Puts the load on from a process of its own. Throws where anything but success was answered: that measures nothing. */
export async function runLoad(load: Load): Promise<LoadResult> {
  await using driver = await fork<LoadReport>('load-process.ts', load);
  const { seconds, latenciesMs, failures } = driver.said;
  if (failures > 0 || latenciesMs.length === 0) {
    throw new Error(`${failures} of ${latenciesMs.length + failures} requests to ${load.url} failed`);
  }
  return {
    requestsPerSecond: latenciesMs.length / seconds,
    count: latenciesMs.length,
    p50Ms: percentile(latenciesMs, 50),
    p99Ms: percentile(latenciesMs, 99),
  };
}
