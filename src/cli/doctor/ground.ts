import type { StartFailure } from './facts/start-failures.ts';

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

/** The data directory of the broker, as this machine sees it. */
export interface DataDirectory {
  path: string;
  /** DATA_DIR names it; otherwise it is the default, found in the working directory. */
  isNamed: boolean;
}

/** All that checks look at. Reads nothing by itself and changes nothing. */
export interface Ground {
  url: string;
  /** The address is this machine's: environment and files are probably those of the broker. */
  isLocal: boolean;
  environment: Readonly<Record<string, string | undefined>>;
  directory: string;
  dataDirectory: DataDirectory | null;
  startFailures: readonly StartFailure[];
  /** Path of the copy of the keys to compare; undefined if none was named. */
  keysBackup: string | undefined;
  service: Service;
  access: Access;
  /** Reads a route that needs a key. Each route is read once. */
  read<Body>(path: string, query?: Readonly<Record<string, string | number>>): Promise<Reply<Body>>;
  /** Token endpoints of the connections that the key sees. */
  endpoints(): Promise<Reply<Endpoint[]>>;
  /** PUBLIC_URL with BASE_PATH: the beginning of redirect URIs. */
  publicUrl(): Promise<Reply<string>>;
}
