import {
  createPostgresBackend,
  type IQueueBackend,
  type Job,
  type JobSchedulerJson,
  type JobsOptions,
  Queue,
  Worker,
} from 'bullmq';
import type { Secret } from '../../domain/secret.ts';
import type { JobData } from '../job-kinds.ts';

/** States of jobs that have not ended. */
export type JobState = 'waiting' | 'prioritized' | 'delayed' | 'active';

interface OnServer {
  waitUntilReady(): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  getBackend(): IQueueBackend;
}

/** Part of BullMQ's Queue used here. BullMQ's own types differ between the two servers. */
export interface JobQueue extends OnServer {
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'ioredis:close', listener: () => void): unknown;
  addBulk(jobs: { name: string; data: JobData; opts: JobsOptions }[]): Promise<unknown>;
  getJobCountByTypes(...types: JobState[]): Promise<number>;
  getJobCounts(...types: JobState[]): Promise<Record<string, number>>;
  /** A job that ended meanwhile is missing or undefined. */
  getJobs(types: JobState[]): Promise<({ data: JobData | undefined } | undefined)[]>;
  /** Removes a job that does not run. */
  remove(jobId: string): Promise<unknown>;
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

export type ProcessJob = (job: Job<JobData, void, string>, token?: string) => Promise<void>;

/** Server of the queue. The Postgres connection must be direct: LISTEN is lost behind a transaction pooler. */
export type QueueLocation = { redisUrl: Secret } | DatabaseLocation;

interface DatabaseLocation {
  databaseUrl: Secret;
  /** True if another role owns the schema of the queue, so that this process cannot migrate it. Defaults to false. */
  isPrepared?: () => Promise<boolean>;
}

/**
 * periodic: scheduled work, and refreshes ahead of expiry. batches: due grants that sweeps found. Two queues, because a
 * sweep may queue very many grants and must not delay the other work.
 */
export type QueueName = 'periodic' | 'batches';

export interface QueueServer {
  openQueue(name: QueueName): JobQueue;
  openWorker(name: QueueName, process: ProcessJob, concurrency: number): JobWorker;
}

export const queueNames: readonly QueueName[] = ['periodic', 'batches'];
/** Separates the queue from other applications that use BullMQ in the same database. */
export const queueSchema = 'token_broker_jobs';

const queueConnections = 1;
const workerConnections = 1;
const queueCount = queueNames.length;
/** Maximum connections of one process without workers on Postgres. */
export const postgresQueueConnections = queueCount * queueConnections;
/** Maximum connections of one process with workers on Postgres. Each worker holds one more for LISTEN. */
export const postgresConnectionsMax = postgresQueueConnections + queueCount * (workerConnections + 1);

const connectTimeoutMs = 2000;
/** A command of the queue fails after this time, so that a server that does not respond never holds up a caller. */
const commandTimeoutMs = 2000;
const maxReconnectPauseMs = 5000;
/** Pause of a worker after a refused connection. */
const workerRetryMs = 2000;
/** Times a job may stall. A job stalls when the process that runs it is killed, which is no fault of the job. */
const maxStalls = 50;

/**
 * Names keys and queues after the installation, whose id is in its database: two installations on one Redis, or with one
 * database for their queues, never take each other's jobs. Up to version 0.1 the names had no id.
 */
export async function openQueueServer(location: QueueLocation, installationId: string): Promise<QueueServer> {
  if ('redisUrl' in location) return redisServer(location.redisUrl, installationId);
  const isPrepared = (await location.isPrepared?.()) ?? false;
  return postgresServer(location.databaseUrl, installationId, !isPrepared);
}

function redisServer(url: Secret, installationId: string): QueueServer {
  const prefix = `token-broker:${installationId}`;
  const connection = {
    url: url.reveal(),
    connectTimeout: connectTimeoutMs,
    retryStrategy: (attempt: number) => Math.min(100 * 2 ** attempt, maxReconnectPauseMs),
  };
  return {
    openQueue: (name) =>
      new Queue<JobData, void, string>(name, {
        prefix,
        connection: { ...connection, commandTimeout: commandTimeoutMs, maxRetriesPerRequest: 1 },
      }),
    // No timeouts for a worker: BullMQ requires unbounded retries, and its blocking reads wait by design.
    openWorker: (name, process, concurrency) =>
      new Worker<JobData, void, string>(name, process, {
        ...workerOptions(concurrency),
        prefix,
        connection: { ...connection, maxRetriesPerRequest: null },
      }),
  };
}

function postgresServer(url: Secret, installationId: string, migrate: boolean): QueueServer {
  const fullName = (name: QueueName) => `token-broker-${name}-${installationId}`;
  const connection = {
    ...withOptionsApart(url),
    schema: queueSchema,
    connectionTimeoutMillis: connectTimeoutMs,
    application_name: 'token-broker jobs',
    // While BullMQ holds a connection of its pool, no listener handles errors, and an unhandled one ends the process.
    // The next statement on a broken connection fails, so BullMQ still learns of it.
    onConnect: (client: { on(event: 'error', listener: () => void): unknown }) => void client.on('error', () => {}),
  };
  return {
    openQueue(name) {
      const options = { connection: { ...connection, migrate, max: queueConnections } };
      // A constant of its own: the return type would change the inferred type of the jobs.
      const queue = new Queue(fullName(name), options, createPostgresBackend);
      return queue;
    },
    openWorker: (name, process, concurrency) =>
      new Worker(
        fullName(name),
        process,
        { ...workerOptions(concurrency), connection: { ...connection, max: workerConnections } },
        createPostgresBackend,
      ),
  };
}

/** Settings that BullMQ's statements rely on. A database or a role may have other defaults. */
const sessionSettings: Readonly<Record<string, string>> = {
  array_nulls: 'on',
  bytea_output: 'hex',
  DateStyle: 'ISO',
  default_transaction_deferrable: 'off',
  default_transaction_isolation: 'read committed',
  default_transaction_read_only: 'off',
  extra_float_digits: '1',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
  IntervalStyle: 'postgres',
  lock_timeout: '0',
  standard_conforming_strings: 'on',
  statement_timeout: '0',
  transform_null_equals: 'off',
};
const sessionOptions = Object.entries(sessionSettings)
  .map(([name, value]) => `-c ${name}=${value.replaceAll(' ', '\\ ')}`)
  .join(' ');

/**
 * Takes the options for the server out of the URL. BullMQ adds its search_path to options beside the URL, and pg lets
 * those of the URL replace them. The options of the URL come last, so they win over ours.
 */
function withOptionsApart(url: Secret): { connectionString: string; options: string } {
  const parsed = new URL(url.reveal());
  const options = parsed.searchParams.get('options');
  if (options === null) return { connectionString: url.reveal(), options: sessionOptions };
  parsed.searchParams.delete('options');
  return { connectionString: parsed.href, options: `${sessionOptions} ${options}` };
}

function workerOptions(concurrency: number) {
  return { autorun: false, concurrency, runRetryDelay: workerRetryMs, maxStalledCount: maxStalls };
}
