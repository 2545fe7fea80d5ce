import { type OAuthServer, startOAuthServer } from '../../test/support/oauth-server/server.ts';
import { type BrokerProcess, spawnBroker } from '../../test/support/processes/broker-process.ts';
import { createDataDir, type DataDir } from '../../test/support/processes/data-dir.ts';
import { freePort } from '../../test/support/processes/free-port.ts';
import { check, createNarratedApi, type NarratedApi } from './narrated-api.ts';
import type { Narrator } from './narrator.ts';

/** Parts that every step uses. */
export interface Stage {
  narrator: Narrator;
  provider: OAuthServer;
  broker: BrokerProcess;
  dataDir: DataDir;
  api: NarratedApi;
}

/** Collects tasks that end what was started. Runs all of them in reverse order, even if some fail. */
export function createCleanup() {
  const tasks: (() => Promise<unknown>)[] = [];
  return {
    add: (task: () => Promise<unknown>) => void tasks.push(task),
    async run(): Promise<void> {
      const failures: unknown[] = [];
      for (const task of tasks.splice(0).reverse()) await task().catch((error: unknown) => failures.push(error));
      if (failures.length > 0) throw failures[0];
    },
  };
}

export type Cleanup = ReturnType<typeof createCleanup>;

export async function startProvider(narrator: Narrator, cleanup: Cleanup): Promise<OAuthServer> {
  const provider = await startOAuthServer();
  cleanup.add(() => provider.stop());
  narrator.fact(
    `An OAuth 2.1 server listens on ${provider.issuer}: it requires PKCE, rotates refresh tokens and detects their reuse.`,
  );
  return provider;
}

export async function startService(narrator: Narrator, cleanup: Cleanup) {
  const dataDir = createDataDir();
  cleanup.add(() => dataDir.remove());
  narrator.command(`ALLOW_PRIVATE_NETWORK=true DATA_DIR=${dataDir.path} npm start`);
  const broker = spawnBroker({
    dataDir: dataDir.path,
    port: await freePort(),
    // The provider of the demo is on loopback. The broker calls private addresses only with this setting.
    env: { ALLOW_PRIVATE_NETWORK: 'true' },
  });
  cleanup.add(() => broker.stop());
  await narrator.wait('creating the database and the keys', broker.ready());
  const adminKey = dataDir.adminKey();
  check(adminKey.length >= 32, 'the admin key has fewer than 32 characters');
  narrator.fact(`The broker is ready on ${broker.url}; its first key is in ${dataDir.path}/admin-key.`);
  narrator.command(`BROKER=${broker.url} ADMIN_KEY=$(cat ${dataDir.path}/admin-key)`);
  return { broker, dataDir, api: createNarratedApi(broker.url, adminKey, narrator) };
}
