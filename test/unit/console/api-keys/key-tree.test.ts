import { expect, test } from 'vitest';
import { keysBelow } from '../../../../src/console/api-keys/key-tree.ts';
import type { ApiKey } from '../../../../src/domain/callers/api-key.ts';

const now = new Date('2030-01-10T00:00:00Z');

function key(id: string, createdBy: string, day: number, changes: Partial<ApiKey> = {}): ApiKey {
  return {
    id,
    name: id,
    secretHash: new Uint8Array(),
    permissions: [],
    organizations: '*',
    global: true,
    connections: null,
    createdBy,
    createdAt: new Date(Date.UTC(2030, 0, day)),
    expiresAt: null,
    rateLimitPerMinute: null,
    lastUsedAt: null,
    revokedAt: null,
    ...changes,
  };
}

const namesBelow = (keys: ApiKey[]) => keysBelow({ id: 'root' }, keys, now).map(({ id }) => id);

test('the keys below a key are those that it made, and theirs', () => {
  const keys = [key('grandchild', 'api_key:child', 3), key('child', 'api_key:root', 2), key('root', 'bootstrap', 1)];
  expect(namesBelow([...keys, key('other', 'bootstrap', 4)])).toEqual(['child', 'grandchild']);
});

test('an ended key does not count, but leads to those that it made', () => {
  const child = key('child', 'api_key:root', 2, { revokedAt: now });
  const expired = key('expired', 'api_key:root', 2, { expiresAt: now });
  expect(namesBelow([child, expired, key('grandchild', 'api_key:child', 3)])).toEqual(['grandchild']);
});
