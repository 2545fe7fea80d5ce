import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { deriveKeys } from '../../../src/crypto/derived-keys.ts';
import { Secret } from '../../../src/domain/secret.ts';

const key = (id: string) => ({ id, key: new Secret(randomBytes(32).toString('base64')) });

test('keys of one purpose are the same in every process, and another purpose has others', () => {
  const given = [key('a')];
  expect(deriveKeys(given, 'cookies')).toEqual(deriveKeys(given, 'cookies'));
  expect(deriveKeys(given, 'cookies')).not.toEqual(deriveKeys(given, 'other'));
});

test('a new encryption key comes first, and what the old one made is still accepted', () => {
  const old = key('old');
  expect(deriveKeys([key('new'), old], 'cookies')[1]).toBe(deriveKeys([old], 'cookies')[0]);
});
