import { fork } from './fork.ts';
import { percentile } from './statistics.ts';

/** Requests of one run: for a duration, or each path once. */
export interface Load {
  url: string;
  /** Each connection requests its own share of them repeatedly. */
  paths: readonly string[];
  headers?: Record<string, string>;
  /** Concurrent callers. Each waits for its response before its next request. */
  connections: number;
  /** Absent: each path is requested once. */
  seconds?: number;
}

export interface LoadReport {
  seconds: number;
  /** Latency of each successful response, unordered. */
  latenciesMs: number[];
  /** Responses other than 2xx, broken connections and timeouts. */
  failures: number;
}

export interface LoadResult {
  requestsPerSecond: number;
  count: number;
  p50Ms: number;
  p99Ms: number;
}

/** Runs a load from a process of its own. Throws if any request failed: the result would measure failures. */
export async function runLoad(load: Load): Promise<LoadResult> {
  await using driver = await fork<LoadReport>('load-process.ts', load);
  const { seconds, latenciesMs, failures } = driver.report;
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
