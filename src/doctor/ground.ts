import type { Machine } from './machine.ts';
import type { Answer } from './request.ts';

/** Members of GET /health that the checks read. */
export interface Health {
  status: 'ok' | 'degraded' | 'unavailable';
  version: string;
  timestamp: string;
  database: 'ok' | 'unavailable';
  queue: 'ok' | 'unavailable';
  queue_failure: string | null;
  workers: number | null;
  last_sweep_at: string | null;
  unsaved_tokens: number | null;
  refresh_mode: 'on' | 'off';
}

/** Members of GET /readyz. */
export interface Readiness {
  database: boolean;
  migrated: boolean;
  key_proven: boolean;
  reason: string | null;
}

/** Members of GET /admin/stats that the checks read. */
export interface Stats {
  failing: { count: number };
}

/** Clocks at one request: milliseconds since the epoch. `date` is the Date header, whole seconds of the broker's machine. */
export interface Clocks {
  sentAt: number;
  receivedAt: number;
  date: number;
  /** The database's clock, which the service follows. */
  timestamp: number;
}

export type Service =
  | { state: 'silent'; reason: string }
  /** Something else answers at the address. */
  | { state: 'stranger'; status: number }
  | {
      state: 'answers';
      health: Health;
      readiness: Readiness;
      clocks: Clocks;
    };

/** Judgement of the service about the key of this call. */
export type Access =
  | { state: 'accepted'; stats: Stats }
  | { state: 'refused'; found: string; next: string }
  | { state: 'absent'; found: string; next: string }
  | { state: 'unknown'; found: string };

export type Reply<Body> = { isRead: true; body: Body } | { isRead: false; found: string; next: string | null };

export interface LastError {
  class: string;
  error: string | null;
  error_description: string | null;
  http_status: number | null;
}

/** Connection with the token endpoint that the broker calls for it. */
export interface Endpoint {
  connection: string;
  tokenUrl: string;
  lastError: LastError | null;
}

/** Reason of the last failed start of a role, which the service left in its data directory. */
export interface StartFailure {
  failedAt: string;
  role: string;
  isAboutKeys: boolean;
  message: string;
}

/** All that checks look at. Reads nothing by itself and changes nothing. */
export interface Ground {
  url: string;
  /** The address is this machine's: environment and files are probably those of the broker. */
  isLocal: boolean;
  /** Null if the checks may not look at files, variables and sockets: they then say where to run the command. */
  machine: Machine | null;
  startFailures: readonly StartFailure[];
  service: Service;
  access: Access;
  /** Reads a route that needs a key. Each route is read once. */
  read<Body>(path: string, query?: Readonly<Record<string, string | number>>): Promise<Reply<Body>>;
  /** Token endpoints of the connections that the key sees. */
  endpoints(): Promise<Reply<Endpoint[]>>;
  /** PUBLIC_URL with BASE_PATH: the beginning of redirect URIs. */
  publicUrl(): Promise<Reply<string>>;
  /** Sends one GET without a key to an address of the service itself. */
  request(url: string): Promise<Answer>;
  /** Says how long ago an ISO 8601 time was. */
  ago(time: string | null): string;
}
