import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { readConnectionString } from '../driver/pool.ts';
import { sessionSettings } from '../driver/session-settings.ts';
import type { Channel, Notifications, NotifyLocally } from './channels.ts';
import { createSubscribers } from './subscribers.ts';

export interface ListenerOptions {
  /** Direct connection: a transaction pooler accepts LISTEN and delivers nothing. Null keeps the listener down. */
  connectionString: string | null;
  /**
   * Sends the pings to the server that the service writes to. A connection of its own: a busy pool must not delay them.
   */
  heartbeat: Pick<pg.Pool, 'query'>;
  onError: (error: unknown) => void;
  pingEveryMs?: number;
  /** Age in milliseconds of the latest ping that was heard, from which the listener counts as down. Must exceed pingEveryMs. */
  disconnectedAfterMs?: number;
}

export interface Listener {
  /** Connects in the background and reconnects until stop. Returns at once. */
  start(): void;
  subscribe<C extends Channel>(channel: C, handler: (payload: Notifications[C]) => void): void;
  /** Delivers a notification of this process's own commit to its subscribers without the round trip to the server. */
  notifyLocally: NotifyLocally;
  /**
   * True if a ping was heard that was sent less than `disconnectedAfterMs` ago. Notifications arrive in order, so every
   * change committed before that ping was heard too. If false, caches must not be used.
   */
  isUp(): boolean;
  /** Calls the handler on every change. Caches clear on each, because missed notifications are not repeated. */
  onChange(handler: (up: boolean) => void): void;
  /** Replaces the connection. Caches clear, as after every loss. */
  reconnect(): void;
  stop(): Promise<void>;
}

/** Pauses in milliseconds between attempts to reconnect: the first, doubled after each failure up to the longest. */
const firstPauseMs = 100;
const longestPauseMs = 5_000;

/** Runs LISTEN on a separate connection and reconnects when it is lost. */
export function createListener(options: ListenerOptions): Listener {
  const { connectionString, heartbeat, onError, pingEveryMs = 1_500, disconnectedAfterMs = 5_000 } = options;
  const config = connectionString === null ? null : readConnectionString(connectionString);
  const pingChannel = `ping_${randomUUID().replaceAll('-', '')}`;
  const subscribers = createSubscribers(onError);
  const watchers: ((up: boolean) => void)[] = [];
  let client: pg.Client | undefined;
  let connectedAt = 0;
  /** Time at which the latest ping that was heard was sent, on the clock of performance.now(). */
  let heardPingOf: number | undefined;
  let isPinging = false;
  let wasUp = false;
  let running = false;
  let pauseMs = firstPauseMs;
  let reconnect: NodeJS.Timeout | undefined;
  let ticker: NodeJS.Timeout | undefined;

  const isUp = () => running && heardPingOf !== undefined && performance.now() - heardPingOf < disconnectedAfterMs;

  function reportState(): void {
    const up = isUp();
    if (up === wasUp) return;
    wasUp = up;
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
      // The channel is this process's own, so the time in the payload is of this process's clock.
      heardPingOf = Number(payload);
      if (isUp()) pauseMs = firstPauseMs;
      reportState();
      return;
    }
    subscribers.notifyText(channel, payload);
  }

  async function connect(): Promise<void> {
    const next = new pg.Client({
      ...config,
      application_name: 'token-broker listener',
      keepAlive: true,
      connectionTimeoutMillis: disconnectedAfterMs,
    });
    client = next;
    connectedAt = performance.now();
    next.on('error', (error) => lose(next, error));
    next.on('end', () => lose(next));
    next.on('notification', (notification) => receive(notification, next));
    try {
      await next.connect();
      await next.query(sessionSettings({ statementTimeoutMs: disconnectedAfterMs, isLocal: false }));
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
    heardPingOf = undefined;
    reportState();
    lost.end().catch(() => {});
    if (!running) return;
    if (error !== undefined) onError(error);
    reconnect = setTimeout(() => void connect(), pauseMs * (0.5 + Math.random() / 2));
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
  }

  async function ping(): Promise<void> {
    // Pings that wait for a connection would only pile up.
    if (isPinging) return;
    isPinging = true;
    try {
      await heartbeat.query('select pg_notify($1, $2)', [pingChannel, String(performance.now())]);
    } finally {
      isPinging = false;
    }
  }

  function tick(): void {
    reportState();
    if (client === undefined) return;
    // Replaces an open connection that delivers nothing, or all too late, like one that broke.
    const silentMs = performance.now() - Math.max(connectedAt, heardPingOf ?? 0);
    if (silentMs > 2 * disconnectedAfterMs) lose(client, new Error('the listener hears nothing'));
    else ping().catch(onError);
  }

  return {
    start() {
      if (running || config === null) return;
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
    notifyLocally: subscribers.notifyLocally,
    isUp,
    onChange: (handler) => watchers.push(handler),
    reconnect() {
      if (client !== undefined) lose(client);
    },
    async stop() {
      running = false;
      clearInterval(ticker);
      clearTimeout(reconnect);
      const last = client;
      client = undefined;
      heardPingOf = undefined;
      reportState();
      await last?.end().catch(() => {});
    },
  };
}
