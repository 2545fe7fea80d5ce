import {
  createPostgresBackend,
  type IQueueBackend,
  type Job,
  type JobSchedulerJson,
  type JobsOptions,
  Queue,
  Worker,
} from 'bullmq';
import type { Secret } from '../domain/secret.ts';
import type { JobData } from './job-kinds.ts';

interface OnServer {
  waitUntilReady(): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  getBackend(): IQueueBackend;
}

/** What of BullMQ's classes is used here. Their own types differ with the server's. */
export interface JobQueue extends OnServer {
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'ioredis:close', listener: () => void): unknown;
  addBulk(jobs: { name: string; data: JobData; opts: JobsOptions }[]): Promise<unknown>;
  getJobCountByTypes(...types: ('waiting' | 'prioritized')[]): Promise<number>;
  getJobScheduler(id: string): Promise<JobSchedulerJson<JobData> | undefined>;
  upsertJobScheduler(
    id: string,
    repeat: { every: number },
    template: { name: string; data: JobData },
  ): Promise<unknown>;
  close(): Promise<void>;
}

export interface JobWorker extends OnServer {
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'failed', listener: (job: Job<JobData, void, string> | undefined, error: Error) => void): unknown;
  run(): Promise<void>;
  readonly closing: Promise<void> | undefined;
  isPaused(): boolean;
  pause(doNotWaitActive: boolean): Promise<void>;
  resume(): Promise<void>;
  close(force?: boolean): Promise<void>;
}

export type ProcessJob = (job: Job<JobData, void, string>) => Promise<void>;

/** Where the queue lives. Postgres must be reached directly: LISTEN is lost behind a transaction pooler. */
export type QueueLocation = { redisUrl: Secret } | { databaseUrl: Secret };

export interface QueueServer {
  openQueue(): JobQueue;
  openWorker(process: ProcessJob, concurrency: number): JobWorker;
}

const queueName = 'token-broker';
/** Keeps clear of other users of the same Redis, or of the same database. */
const redisPrefix = 'token-broker';
const postgresSchema = 'token_broker_jobs';

const queueConnections = 1;
const workerConnections = 2;
/** The most connections one process with a worker holds on Postgres; one of them waits for notifications. */
export const postgresConnectionsMax = queueConnections + workerConnections + 1;

const connectTimeoutMs = 2000;
/** Past it a command of the queue fails, so that whoever enqueues is never held up by a server that does not answer. */
const commandTimeoutMs = 2000;
const maxReconnectPauseMs = 5000;
/** How long a worker rests after its server refused a connection. */
const workerRetryMs = 2000;

export function createQueueServer(location: QueueLocation): QueueServer {
  return 'redisUrl' in location ? redisServer(location.redisUrl) : postgresServer(location.databaseUrl);
}

function redisServer(url: Secret): QueueServer {
  const connection = {
    url: url.reveal(),
    connectTimeout: connectTimeoutMs,
    retryStrategy: (attempt: number) => Math.min(100 * 2 ** attempt, maxReconnectPauseMs),
  };
  return {
    openQueue: () =>
      new Queue<JobData, void, string>(queueName, {
        prefix: redisPrefix,
        connection: { ...connection, commandTimeout: commandTimeoutMs, maxRetriesPerRequest: 1 },
      }),
    // A worker waits for as long as it takes: BullMQ forbids a bound on its retries, and its reads block by design.
    openWorker: (process, concurrency) =>
      new Worker<JobData, void, string>(queueName, process, {
        ...workerOptions(concurrency),
        prefix: redisPrefix,
        connection: { ...connection, maxRetriesPerRequest: null },
      }),
  };
}

function postgresServer(url: Secret): QueueServer {
  const connection = {
    connectionString: url.reveal(),
    schema: postgresSchema,
    connectionTimeoutMillis: connectTimeoutMs,
    application_name: 'token-broker jobs',
    // BullMQ lends itself connections that nothing listens to: one that broke meanwhile would end the process. Whoever
    // has borrowed it hears of it from the next statement.
    onConnect: (client: { on(event: 'error', listener: () => void): unknown }) => void client.on('error', () => {}),
  };
  return {
    openQueue: () =>
      new Queue(
        queueName,
        { connection: { ...connection, migrate: true, max: queueConnections } },
        createPostgresBackend,
      ),
    // Opened after the queue, which has migrated by then.
    openWorker: (process, concurrency) =>
      new Worker(
        queueName,
        process,
        { ...workerOptions(concurrency), connection: { ...connection, max: workerConnections } },
        createPostgresBackend,
      ),
  };
}

function workerOptions(concurrency: number) {
  return { autorun: false, concurrency, runRetryDelay: workerRetryMs };
}
