import { type Api, createApi } from '../support/http/broker-api.ts';
import { type OAuthServer, startOAuthServer } from '../support/oauth-server/server.ts';
import { type BrokerProcess, spawnBroker, startBroker } from '../support/processes/broker-process.ts';
import { freePort } from '../support/processes/free-port.ts';
import type { OpenStack, Stack } from './stack.ts';

export interface World {
  stack: Stack;
  provider: OAuthServer;
  broker: BrokerProcess;
  api: Api;
  /** Stops the service with SIGTERM if it runs, and starts it on the same port and data. */
  restart(env?: Record<string, string>): Promise<void>;
  close(): Promise<void>;
}

export const testEnvironment = {
  ALLOW_PRIVATE_NETWORK: 'true',
  RATE_LIMIT_MAX: '100000',
  LOG_LEVEL: 'debug',
  // Tests of the page before the provider set it.
  CONFIRM_PAGE: 'never',
};

/** Starts a provider and a service on a new stack. */
export async function openWorld(openStack: OpenStack, env: Record<string, string> = {}): Promise<World> {
  const provider = await startOAuthServer();
  const stack = await openStack();
  const start = (overrides: Record<string, string> = {}, port?: number) =>
    startBroker({
      dataDir: stack.dataDir,
      env: { ...testEnvironment, ...stack.env, ...env, ...overrides },
      ...(port === undefined ? {} : { port }),
    });
  const closeStack = async () => {
    await stack.remove();
    await provider.stop();
  };
  try {
    // Only ROLE=all migrates the database at its start.
    if (env.ROLE !== undefined) await migrate(stack);
    const broker = await start();
    const world: World = {
      stack,
      provider,
      broker,
      api: createApi(broker.url, stack.adminKey()),
      async restart(overrides) {
        if (world.broker.isRunning()) await world.broker.stop();
        world.broker = await start(overrides, world.broker.port);
      },
      async close() {
        try {
          if (world.broker.isRunning()) await world.broker.stop();
        } finally {
          await closeStack();
        }
      },
    };
    return world;
  } catch (error) {
    await closeStack();
    throw error;
  }
}

async function migrate({ dataDir, env }: Stack): Promise<void> {
  const migration = spawnBroker({ dataDir, env, port: await freePort(), command: 'migrate' });
  const [code] = await migration.ended;
  if (code !== 0) throw new Error(`migrate ended with ${String(code)}:\n${migration.logs()}`);
}
