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

/** Of jobs that are still to be done, or are under way. */
export type JobState = 'waiting' | 'prioritized' | 'delayed' | 'active';

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
  getJobCountByTypes(...types: JobState[]): Promise<number>;
  /** One that went meanwhile is missing, or undefined. */
  getJobs(types: JobState[]): Promise<({ data: JobData | undefined } | undefined)[]>;
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

/**
 * clock: what comes by the clock, and what readers would wait for. lots: what sweeps found, which may be very much, and
 * must not keep the others from being taken.
 */
export type QueueName = 'clock' | 'lots';

export interface QueueServer {
  openQueue(name: QueueName): JobQueue;
  openWorker(name: QueueName, process: ProcessJob, concurrency: number): JobWorker;
}

const fullNames = { clock: 'token-broker', lots: 'token-broker-lots' } as const satisfies Record<QueueName, string>;
/** Keeps clear of other users of the same Redis, or of the same database. */
const redisPrefix = 'token-broker';
const postgresSchema = 'token_broker_jobs';

const queueConnections = 1;
const workerConnections = 1;
/** The most connections one process with its workers holds on Postgres; one of each worker waits for notifications. */
export const postgresConnectionsMax = Object.keys(fullNames).length * (queueConnections + workerConnections + 1);

const connectTimeoutMs = 2000;
/** Past it a command of the queue fails, so that whoever enqueues is never held up by a server that does not answer. */
const commandTimeoutMs = 2000;
const maxReconnectPauseMs = 5000;
/** How long a worker rests after its server refused a connection. */
const workerRetryMs = 2000;
/** That the process which ran it was killed says nothing of a job. */
const mostDeaths = 50;

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
    openQueue: (name) =>
      new Queue<JobData, void, string>(fullNames[name], {
        prefix: redisPrefix,
        connection: { ...connection, commandTimeout: commandTimeoutMs, maxRetriesPerRequest: 1 },
      }),
    // A worker waits for as long as it takes: BullMQ forbids a bound on its retries, and its reads block by design.
    openWorker: (name, process, concurrency) =>
      new Worker<JobData, void, string>(fullNames[name], process, {
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
    openQueue(name) {
      const options = { connection: { ...connection, migrate: true, max: queueConnections } };
      // Named first: from what is to be returned, the compiler infers other jobs than ours.
      const queue = new Queue(fullNames[name], options, createPostgresBackend);
      return queue;
    },
    openWorker: (name, process, concurrency) =>
      new Worker(
        fullNames[name],
        process,
        { ...workerOptions(concurrency), connection: { ...connection, max: workerConnections } },
        createPostgresBackend,
      ),
  };
}

function workerOptions(concurrency: number) {
  return { autorun: false, concurrency, runRetryDelay: workerRetryMs, maxStalledCount: mostDeaths };
}
