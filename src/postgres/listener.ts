import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { Channel, Deliver, Notifications } from './channels.ts';
import { readConnectionString } from './pool.ts';
import { createSubscribers } from './subscribers.ts';

export interface ListenerOptions {
  /** Direct: a transaction pooler accepts LISTEN and delivers nothing. */
  connectionString: string;
  /** The pool that the service writes through: hearing a ping sent there is what proves that its notifications arrive. */
  pool: pg.Pool;
  onError: (error: unknown) => void;
  pingEveryMs?: number;
  /** Silence after which the listener counts as down. */
  deafAfterMs?: number;
}

export interface Listener {
  /** Connects, and stays connected; returns at once. */
  start(): void;
  subscribe<C extends Channel>(channel: C, handler: (payload: Notifications[C]) => void): void;
  /** What this process has just committed: its own subscribers need not wait for the server to bring it. */
  deliver: Deliver;
  /** False whenever a notification may have been missed: nobody may rely on a cache then. */
  isUp(): boolean;
  /** Told of every change; caches empty themselves on both, since what was missed while down is not repeated. */
  onChange(handler: (up: boolean) => void): void;
  stop(): Promise<void>;
}

const firstPauseMs = 100;
const longestPauseMs = 5_000;

/** LISTEN on a connection of its own, reconnecting for as long as it runs. */
export function createListener(options: ListenerOptions): Listener {
  const { pool, onError, pingEveryMs = 1_500, deafAfterMs = 5_000 } = options;
  const config = { ...readConnectionString(options.connectionString), application_name: 'token-broker listener' };
  const pingChannel = `ping_${randomUUID().replaceAll('-', '')}`;
  const subscribers = createSubscribers(onError);
  const watchers: ((up: boolean) => void)[] = [];
  let client: pg.Client | undefined;
  let connectedAt = 0;
  let heardAt: number | undefined;
  let announced = false;
  let running = false;
  let pauseMs = firstPauseMs;
  let reconnect: NodeJS.Timeout | undefined;
  let ticker: NodeJS.Timeout | undefined;

  const isUp = () => running && heardAt !== undefined && performance.now() - heardAt < deafAfterMs;

  function announce(): void {
    const up = isUp();
    if (up === announced) return;
    announced = up;
    for (const watcher of watchers) {
      try {
        watcher(up);
      } catch (error) {
        onError(error);
      }
    }
  }

  function receive({ channel, payload = '' }: pg.Notification, from: pg.Client): void {
    if (from !== client) return;
    if (channel === pingChannel) {
      heardAt = performance.now();
      pauseMs = firstPauseMs;
      announce();
      return;
    }
    subscribers.deliverText(channel, payload);
  }

  async function connect(): Promise<void> {
    const next = new pg.Client({ ...config, keepAlive: true, connectionTimeoutMillis: deafAfterMs });
    client = next;
    connectedAt = performance.now();
    next.on('error', (error) => lose(next, error));
    next.on('end', () => lose(next));
    next.on('notification', (notification) => receive(notification, next));
    try {
      await next.connect();
      for (const channel of [pingChannel, ...subscribers.channels()])
        await next.query(`listen ${pg.escapeIdentifier(channel)}`);
      await ping();
    } catch (error) {
      lose(next, error);
    }
  }

  function lose(lost: pg.Client, error?: unknown): void {
    if (lost !== client) return;
    client = undefined;
    heardAt = undefined;
    announce();
    lost.end().catch(() => {});
    if (!running) return;
    if (error !== undefined) onError(error);
    reconnect = setTimeout(() => void connect(), pauseMs * (0.5 + Math.random() / 2));
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
  }

  async function ping(): Promise<void> {
    await pool.query('select pg_notify($1, $2)', [pingChannel, '']);
  }

  function tick(): void {
    announce();
    if (client === undefined) return;
    // A connection that stays open and brings nothing is given up like one that broke.
    const silentMs = performance.now() - Math.max(connectedAt, heardAt ?? 0);
    if (silentMs > 2 * deafAfterMs) lose(client, new Error('the listener hears nothing'));
    else ping().catch(onError);
  }

  return {
    start() {
      if (running) return;
      running = true;
      ticker = setInterval(tick, pingEveryMs);
      void connect();
    },
    subscribe(channel, handler) {
      if (subscribers.add(channel, handler) && client !== undefined) {
        const current = client;
        current.query(`listen ${pg.escapeIdentifier(channel)}`).catch((error: unknown) => lose(current, error));
      }
    },
    deliver: subscribers.deliver,
    isUp,
    onChange: (handler) => watchers.push(handler),
    async stop() {
      running = false;
      clearInterval(ticker);
      clearTimeout(reconnect);
      const last = client;
      client = undefined;
      heardAt = undefined;
      announce();
      await last?.end().catch(() => {});
    },
  };
}
