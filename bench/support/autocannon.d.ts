/** Types of the parts of autocannon used here; the package has none. */
declare module 'autocannon' {
  import type { EventEmitter } from 'node:events';

  interface Request {
    method: string;
    path: string;
  }

  interface Client {
    setRequests(requests: Request[]): void;
  }

  interface Options {
    url: string;
    connections: number;
    duration?: number;
    amount?: number;
    timeout: number;
    headers: Record<string, string>;
    setupClient(client: Client): void;
  }

  interface Result {
    /** Seconds. */
    duration: number;
    errors: number;
    timeouts: number;
    non2xx: number;
    requests: { total: number };
  }

  type Run = Promise<Result> & EventEmitter<{ response: [client: Client, status: number, bytes: number, ms: number] }>;

  export default function autocannon(options: Options): Run;
}
