import { afterAll, beforeAll, expect, test } from 'vitest';
import { startVaultDouble, type VaultDouble } from '../support/kms/vault-double.ts';
import { spawnBroker } from '../support/processes/broker-process.ts';
import { createDataDir } from '../support/processes/data-dir.ts';
import { freePort } from '../support/processes/free-port.ts';
import { addConnection, connect, expectStatus, openScene, type Scene } from './scene.ts';

const limits = { timeout: 120_000 };

let vault: VaultDouble;
let scene: Scene;
beforeAll(async () => {
  vault = await startVaultDouble(['broker']);
  scene = await openScene({
    ENCRYPTION_KEYS: `v1:vault-transit:${vault.origin}/transit/keys/broker`,
    VAULT_TOKEN: vault.token,
  });
}, limits.timeout);
afterAll(async () => {
  await scene?.close();
  await vault?.close();
});

async function withProcess(
  env: Record<string, string>,
  run: (broker: ReturnType<typeof spawnBroker>) => Promise<void>,
) {
  const dataDir = createDataDir();
  const broker = spawnBroker({ dataDir: dataDir.path, env: { ...scene.env, ...env }, port: await freePort() });
  try {
    await run(broker);
  } finally {
    if (broker.isRunning()) await broker.stop();
    await dataDir.remove();
  }
}

test('a stolen database without the key service opens nothing: the data key is stored as the service wrapped it', async () => {
  const stored = await scene.rows(
    `select key_encryption_key_id, convert_from(wrapped, 'UTF8') as wrapped from data_keys`,
  );
  expect(stored).toEqual([{ key_encryption_key_id: 'v1', wrapped: expect.stringMatching(/^vault:v1:/) }]);
});

test('links, tokens and secrets work while the key service is away, and no request waits for it', limits, async () => {
  const { port, token } = vault;
  await vault.close();
  const connection = await addConnection(scene, { organization: 'b' });
  // The browser cookie of the link is signed with a key of the data key.
  await connect(scene, connection);
  expectStatus(await scene.api.get(connection.credential, { organization: 'b' }), 200);

  await withProcess({}, async (starting) => {
    const reason = 'The encryption key \\"v1\\" in Vault Transit cannot be reached';
    await expect.poll(() => starting.logs(), { timeout: 60_000 }).toContain(reason);
    expect(starting.isRunning()).toBe(true);
    const readiness = await (await fetch(`${starting.url}/readyz`)).json();
    // The tables are there: an operator must not look for a migration.
    expect(readiness).toMatchObject({ database: true, migrated: true, key_proven: false });
    vault = await startVaultDouble(['broker'], { port, token });
    await starting.ready();
    expect(starting.logs()).not.toContain(token);
  });
});

test(
  'a start with a token that the key service refuses ends, names key and service, and repeats no token',
  limits,
  async () => {
    await withProcess({ VAULT_TOKEN: 'hvs.not-the-right-token' }, async (broker) => {
      const [code] = await broker.ended;
      expect(code).toBe(1);
      expect(broker.logs()).toContain('The encryption key \\"v1\\" in Vault Transit cannot be used');
      expect(broker.logs()).toContain('permission denied (403)');
      expect(broker.logs()).not.toContain('hvs.');
    });
  },
);
