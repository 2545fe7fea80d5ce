import { type Api, createApi } from '../support/broker-api.ts';
import { type BrokerProcess, freePort, spawnBroker, startBroker } from '../support/broker-process.ts';
import { type OAuthServer, startOAuthServer } from '../support/oauth-server.ts';
import type { OpenStack, Stack } from './stack.ts';

export interface World {
  stack: Stack;
  provider: OAuthServer;
  broker: BrokerProcess;
  api: Api;
  /** Ends the service if it runs, by SIGTERM, and starts it on the same port and data. */
  restart(env?: Record<string, string>): Promise<void>;
  close(): Promise<void>;
}

export const generous = { ALLOW_PRIVATE_NETWORK: 'true', RATE_LIMIT_MAX: '100000', LOG_LEVEL: 'debug' };

/** A stack, a provider, and a running service between them. */
export async function openWorld(openStack: OpenStack, env: Record<string, string> = {}): Promise<World> {
  const provider = await startOAuthServer();
  const stack = await openStack();
  const start = (more: Record<string, string> = {}, port?: number) =>
    startBroker({
      dataDir: stack.dataDir,
      env: { ...generous, ...stack.env, ...env, ...more },
      ...(port === undefined ? {} : { port }),
    });
  const closeStack = async () => {
    await stack.remove();
    await provider.stop();
  };
  try {
    // ROLE=api and ROLE=worker leave the tables to this command.
    if (env.ROLE !== undefined) await migrate(stack);
    const broker = await start();
    const world: World = {
      stack,
      provider,
      broker,
      api: createApi(broker.url, stack.adminKey()),
      async restart(more) {
        if (world.broker.isRunning()) await world.broker.stop();
        world.broker = await start(more, world.broker.port);
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
