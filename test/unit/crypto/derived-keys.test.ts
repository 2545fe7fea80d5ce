import { createSecretKey, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { createDerivedKeys, deriveKeys } from '../../../src/crypto/derived-keys.ts';
import { Secret } from '../../../src/domain/secret.ts';

const key = (id: string) => ({ id, key: new Secret(randomBytes(32).toString('base64')) });

test('derived keys of one purpose are equal in every process and differ from those of another purpose', () => {
  const keys = [key('a')];
  expect(deriveKeys(keys, 'cookies')).toEqual(deriveKeys(keys, 'cookies'));
  expect(deriveKeys(keys, 'cookies')).not.toEqual(deriveKeys(keys, 'other'));
});

test('after a new encryption key is added first, the key derived from the old one is still accepted', () => {
  const old = key('old');
  expect(deriveKeys([key('new'), old], 'cookies')[1]).toBe(deriveKeys([old], 'cookies')[0]);
});

const dataKey = () => createSecretKey(randomBytes(32));
const remote = { id: 'v1', source: 'vault-transit', location: 'https://vault/transit/keys/k' } as const;

test('with keys in key services alone, the data keys derive, the sealing one first', () => {
  const [sealing, older] = [dataKey(), dataKey()];
  let held = [sealing, older];
  const derived = createDerivedKeys([remote], () => held);
  const [first, second] = derived('cookies');
  expect(new Set([first, second]).size).toBe(2);
  held = [dataKey(), sealing];
  expect(derived('cookies')[1]).toBe(first);
  held = [];
  expect(derived('cookies')).toEqual([]);
});

test('a process with a key of its own signs with it, and accepts what a process without one signs', () => {
  const [own, data] = [key('k1'), dataKey()];
  const mixed = createDerivedKeys([remote, own], () => [data])('cookies');
  expect(mixed[0]).toBe(deriveKeys([own], 'cookies')[0]);
  expect(mixed).toContain(createDerivedKeys([remote], () => [data])('cookies')[0]);
});
