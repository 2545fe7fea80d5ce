import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openEncryptionKeys } from '../../src/app/keys/open-encryption-keys.ts';
import { loadConfig } from '../../src/config.ts';
import { isBrokerError } from '../../src/domain/errors.ts';
import { KeyUnavailable } from '../../src/domain/ports/keys.ts';
import { createKeyProcess, type KeyProcess } from '../support/keys/key-process.ts';
import { type KeyStores, openKeyStores } from '../support/keys/key-stores.ts';
import { storeEverySealedValue } from '../support/keys/sealed-rows.ts';
import { type KmsScene, sceneOpeners } from '../support/kms/scenes.ts';

const patience = { timeout: 30_000 };
const local = `local:${Buffer.alloc(32, 7).toString('base64')}`;

describe('data keys that a key service wraps', () => {
  let stores: KeyStores;
  const scenes: KmsScene[] = [];
  beforeAll(async () => {
    stores = await openKeyStores();
    for (const [, open] of sceneOpeners) scenes.push(await open());
  });
  afterAll(async () => {
    await stores?.end();
    for (const scene of scenes) await scene.close();
  });

  const entryOf = (scene: KmsScene) => `${scene.source}:${scene.source}:${scene.key}`;
  const keysOf = (entries: readonly string[]) => {
    const env = Object.assign({}, ...scenes.map((scene) => scene.env));
    const { encryptionKeys, ...config } = loadConfig({ ...env, ENCRYPTION_KEYS: entries.join(',') });
    return openEncryptionKeys(encryptionKeys ?? [], config);
  };
  const calls = () => scenes.reduce((sum, { double }) => sum + double.received.length, 0);

  async function open(id: string, ...entries: string[]): Promise<KeyProcess> {
    const process = createKeyProcess(stores, id, await keysOf(entries));
    await process.watch.open();
    return process;
  }

  test('move from the environment through every service and back, and the earlier key is not needed again', {
    timeout: 120_000,
  }, async () => {
    const first = await open('first', local);
    const stored = await storeEverySealedValue(stores, first.cipher, 'acme');
    await first.watch.stop();
    let earlier = local;
    for (const entry of [...scenes.map(entryOf), local]) {
      const id = entry.split(':', 1)[0] ?? '';
      const rotating = await open(`to-${id}`, entry, earlier);
      await rotating.rotate(id === 'aws-kms');
      const state = async () => {
        await rotating.watch.look();
        return (await stores.keyRotations.latest())?.state;
      };
      await expect.poll(state, patience).toBe('finished');
      expect(rotating.errors).toEqual([]);
      await rotating.watch.stop();
      const rows = await stores.dataKeys.list();
      expect(new Set(rows.map(({ keyEncryptionKeyId }) => keyEncryptionKeyId))).toEqual(new Set([id]));

      const alone = await open(`${id}-alone`, entry);
      const before = calls();
      await stored.openAll(alone.cipher);
      const at = { organizationId: 'acme', table: 'grants', row: 'r', column: 'tokens' } as const;
      for (let count = 0; count < 1000; count++) alone.cipher.open(alone.cipher.seal('text', at), at);
      // Neither sealing nor opening calls a service.
      expect(calls()).toBe(before);
      await alone.watch.stop();
      earlier = entry;
    }
  });

  test('an unreachable service is an outage that names key and source, and makes no other key', async () => {
    const [scene] = scenes;
    if (scene === undefined) throw new Error('no scene');
    const entry = entryOf(scene);
    const rotating = await open('rotating', entry, local);
    await rotating.rotate(false);
    const state = async () => {
      await rotating.watch.look();
      return (await stores.keyRotations.latest())?.state;
    };
    await expect.poll(state, patience).toBe('finished');
    await rotating.watch.stop();
    const before = await stores.dataKeys.list();

    scene.double.outage = { status: 503, body: '{"errors":["Vault is sealed"]}' };
    const failure = await open('starting', entry).catch((error: unknown) => error);
    expect(isBrokerError(failure, 'service_unavailable')).toBe(true);
    expect(String(failure)).toContain('The encryption key "vault-transit" in Vault Transit cannot be reached');
    scene.double.outage = undefined;

    const denied = await createKeyProcess(
      stores,
      'denied',
      await keysOf([`vault-transit:vault-transit:${scene.noKey}`]),
    )
      .watch.open()
      .catch((error: unknown) => error);
    expect(denied).toBeInstanceOf(KeyUnavailable);
    expect(String(denied)).toMatch(/"vault-transit" in Vault Transit cannot be used: .*no such key/);

    const other = `vault-transit:vault-transit:${scene.otherKey}`;
    await expect(open('other', other)).rejects.toThrow(/"vault-transit" in Vault Transit is not the key of that name/);
    // A key of the environment under the same id is another key.
    await expect(open('swapped', `vault-transit:${Buffer.alloc(32, 9).toString('base64')}`)).rejects.toThrow(
      /holds a key named "vault-transit", but not the key of that name/,
    );
    expect(await stores.dataKeys.list()).toEqual(before);
  });
});
