import { constants, publicEncrypt, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KeyFailure } from '../../../src/domain/ports/keys.ts';
import type { AzureDouble } from '../../support/kms/azure-double.ts';
import { type KmsScene, openKey, sceneOpeners } from '../../support/kms/scenes.ts';
import { startServiceDouble } from '../../support/kms/service-double.ts';

const dataKey = randomBytes(32);
const context = Buffer.from(JSON.stringify(['data_key', 'remote', 'id-1']));
const otherContext = Buffer.from(JSON.stringify(['data_key', 'remote', 'id-2']));

async function failureOf(work: Promise<unknown>): Promise<KeyFailure> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof KeyFailure) return error;
  throw new Error('it did not fail as a key service', { cause: error });
}

describe.each(sceneOpeners)('%s', (_, open) => {
  let scene: KmsScene;
  beforeAll(async () => {
    scene = await open();
  });
  afterAll(() => scene?.close());
  const openOwn = () => openKey(scene, scene.key, scene.env);

  test('unwraps what it wrapped, in any process', async () => {
    const wrapped = await (await openOwn()).wrap(dataKey, context);
    expect(Buffer.from(wrapped).includes(dataKey)).toBe(false);
    const opened = await (await openOwn()).unwrap(wrapped, context);
    expect(Buffer.from(opened).equals(dataKey)).toBe(true);
  });

  test('refuses another context, another key and altered bytes as a mismatch', async () => {
    const own = await openOwn();
    const other = await openKey(scene, scene.otherKey, scene.env);
    const wrapped = Buffer.from(await own.wrap(dataKey, context));
    const last = wrapped.length - 3;
    const altered = Buffer.from(wrapped);
    altered[last] = wrapped[last] === 65 ? 66 : 65;
    const attempts = [
      () => own.unwrap(wrapped, otherContext),
      () => other.unwrap(wrapped, context),
      () => own.unwrap(altered, context),
      () => own.unwrap(Buffer.from('nothing'), context),
    ];
    for (const attempt of attempts) expect(await failureOf(attempt())).toMatchObject({ kind: 'mismatch' });
  });

  test('refuses a key that is not there and wrong credentials, and repeats no secret', async () => {
    const wrapped = await (await openOwn()).wrap(dataKey, context);
    const missing = await openKey(scene, scene.noKey, scene.env);
    const stranger = await openKey(scene, scene.key, scene.wrongEnv);
    const unauthenticated = await openKey(scene, scene.key, {
      AWS_ACCESS_KEY_ID: 'half',
      GCE_METADATA_HOST: '127.0.0.1:1',
    });
    for (const key of [missing, stranger]) {
      for (const attempt of [() => key.wrap(dataKey, context), () => key.unwrap(wrapped, context)]) {
        const failure = await failureOf(attempt());
        expect(failure).toMatchObject({ kind: 'refused' });
        expect(failure.message).toMatch(/refused: .+\(\d{3}/);
        for (const secret of scene.secrets) expect(String(failure.stack)).not.toContain(secret);
      }
    }
    if (scene.source === 'vault-transit' || scene.source === 'aws-kms') {
      expect((await failureOf(unauthenticated.wrap(dataKey, context))).message).toMatch(
        /VAULT_TOKEN|AWS_SECRET_ACCESS_KEY/,
      );
    }
  });

  test('is unreachable, and not refused, while the service fails', async () => {
    for (const status of [429, 500, 503]) {
      const own = await openOwn();
      scene.double.outage = { status, body: '{}' };
      expect(await failureOf(own.wrap(dataKey, context)), String(status)).toMatchObject({ kind: 'unreachable' });
      scene.double.outage = undefined;
      // The failed sign-in is not kept.
      expect(await own.wrap(dataKey, context)).toBeInstanceOf(Uint8Array);
    }
    scene.double.outage = { status: 200, body: '<html>a proxy</html>' };
    expect(await failureOf((await openOwn()).wrap(dataKey, context))).toMatchObject({ kind: 'unreachable' });
    scene.double.outage = undefined;
  });

  test('sends credentials and keys to no other server: redirects are refused', async () => {
    const elsewhere = await startServiceDouble(() => ({ status: 200, body: {} }));
    for (const status of [302, 307, 308]) {
      const own = await openOwn();
      scene.double.outage = { status, headers: { location: `${elsewhere.origin}/` } };
      const failure = await failureOf(own.wrap(dataKey, context));
      expect(failure).toMatchObject({
        kind: 'refused',
        message: expect.stringContaining('redirects are not followed'),
      });
      scene.double.outage = undefined;
    }
    expect(elsewhere.received).toEqual([]);
    await elsewhere.close();
  });

  test('signs in by every way that its variables name, once for several calls', async () => {
    for (const [name, env] of Object.entries(scene.signIns)) {
      const key = await openKey(scene, scene.key, env);
      const before = scene.double.received.length;
      const wrapped = await key.wrap(dataKey, context);
      const first = scene.double.received.length - before;
      expect(Buffer.from(await key.unwrap(wrapped, context)).equals(dataKey), name).toBe(true);
      const second = scene.double.received.length - before - first;
      expect(second, name).toBeLessThanOrEqual(first);
    }
  });
});

test('a service that accepts the connection and never answers is given up', { timeout: 60_000 }, async () => {
  const double = await startServiceDouble(() => ({ status: 200, body: {} }));
  double.outage = 'silent';
  const env = { VAULT_TOKEN: 'hvs.token' };
  const key = await openKey({ source: 'vault-transit' }, `${double.origin}/transit/keys/one`, env);
  const failure = await failureOf(key.wrap(dataKey, context));
  expect(failure).toMatchObject({ kind: 'unreachable', message: 'no answer within 10 seconds.' });
  await double.close();
  expect(await failureOf(key.wrap(dataKey, context))).toMatchObject({
    kind: 'unreachable',
    message: 'it refuses the connection (ECONNREFUSED).',
  });
});

test('a data key that an attacker wrapped with the public key of Azure Key Vault does not open', async () => {
  const [, open] = sceneOpeners.find(([name]) => name === 'Azure Key Vault') ?? [];
  const scene = await open?.();
  if (scene === undefined) throw new Error('no scene');
  const key = await openKey(scene, scene.key, scene.env);
  const wrapped = Buffer.from(await key.wrap(dataKey, context));
  const publicKey = (scene.double as AzureDouble).publicKeyOf(new URL(scene.key).pathname);
  if (publicKey === undefined) throw new Error('no key');
  const oaep = { oaepHash: 'sha256', padding: constants.RSA_PKCS1_OAEP_PADDING };
  const own = publicEncrypt({ key: publicKey, ...oaep }, randomBytes(32));
  const planted = Buffer.concat([wrapped.subarray(0, 3), own, wrapped.subarray(3 + own.length)]);
  expect(await failureOf(key.unwrap(planted, context))).toMatchObject({ kind: 'mismatch' });
  await scene.close();
});
