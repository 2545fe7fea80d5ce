import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import pg from 'pg';
import { v7 } from 'uuid';
import { createLog } from '../../../src/app/log/log.ts';
import { createApp } from '../../../src/app.ts';
import { loadConfig } from '../../../src/config.ts';

const header = 'x-counted-request';
const channel = 'http.server.request.start';

export interface CountedService {
  url: string;
  /** Runs one request with these headers. Returns the statements that it sent to the database before its response. */
  statementsOf<T>(request: (headers: Record<string, string>) => Promise<T>): Promise<{ response: T; sent: string[] }>;
  stop(): Promise<void>;
}

/** Starts the service in this process, where each statement is known to belong to a request. */
export async function startCountedService(options: {
  dataDir: string;
  env: Record<string, string>;
}): Promise<CountedService> {
  const lists = new Map<string, string[]>();
  const current = new AsyncLocalStorage<string[] | undefined>();
  // Each request of a kept connection enters anew, so that it never adds to the list of the one before.
  const enter = (message: unknown) => {
    const { request } = message as { request: IncomingMessage };
    current.enterWith(lists.get(String(request.headers[header])));
  };
  const { query } = pg.Client.prototype;
  pg.Client.prototype.query = function (this: pg.Client, ...call: unknown[]) {
    const [statement] = call;
    current.getStore()?.push(typeof statement === 'string' ? statement : String(Object(statement).text));
    return Reflect.apply(query, this, call);
  } as typeof query;
  subscribe(channel, enter);
  const restore = () => {
    unsubscribe(channel, enter);
    pg.Client.prototype.query = query;
  };

  const address = { PORT: '0', PUBLIC_URL: 'http://127.0.0.1:1' };
  const config = loadConfig({ ...address, DATA_DIR: options.dataDir, ...options.env });
  const app = await createApp({ ...config, publicUrl: null }, createLog('silent')).catch((error: unknown) => {
    restore();
    throw error;
  });
  await app.ready;
  return {
    url: app.address,
    async statementsOf(request) {
      const id = v7();
      const list: string[] = [];
      lists.set(id, list);
      const response = await request({ [header]: id });
      lists.delete(id);
      return { response, sent: [...list] };
    },
    async stop() {
      await app.close();
      restore();
    },
  };
}
