import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isHeld } from '../../../src/domain/encryption-keys.ts';
import { KeyUnavailable } from '../../../src/domain/ports/keys.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { loadOrCreateKeys } from '../../../src/embedded/generated-keys.ts';
import { encryptionKey } from '../../support/builders/encryption-keys.ts';

let dataDir: string;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'token-broker-keys-'));
});

afterEach(() => rmSync(dataDir, { recursive: true }));

const load = (clusterExists: boolean) => loadOrCreateKeys({ dataDir, clusterExists });

test('keys are generated once, readable by their owner only, and loaded again', () => {
  const made = load(false);
  const found = load(true);
  expect(made.adminKeyCreated).toBe(true);
  expect(found.adminKeyCreated).toBe(false);
  expect(found.adminKey.reveal()).toBe(made.adminKey.reveal());
  const revealed = ({ encryptionKeys }: typeof made) =>
    encryptionKeys.filter(isHeld).map(({ id, key }) => [id, key.reveal()]);
  expect(revealed(made)).toHaveLength(1);
  expect(revealed(found)).toEqual(revealed(made));
  expect(made.adminKey.reveal().length).toBeGreaterThanOrEqual(32);
  expect(readdirSync(dataDir).toSorted()).toEqual(['admin-key', 'encryption-keys']);
  for (const file of readdirSync(dataDir)) expect(statSync(join(dataDir, file)).mode & 0o777).toBe(0o600);
  expect(readFileSync(made.adminKeyFile ?? '', 'utf8').trim()).toBe(made.adminKey.reveal());
});

test('keys of the configuration take precedence, and no file is written for them', () => {
  const configured = { encryptionKeys: [encryptionKey('mine')], adminKey: new Secret('a'.repeat(32)) };
  const keys = loadOrCreateKeys({ dataDir, clusterExists: true, configured });
  expect(keys).toEqual({ ...configured, adminKeyFile: null, adminKeyCreated: false });
  expect(readdirSync(dataDir)).toEqual([]);
});

test('a lost encryption key of an existing cluster stops the start, and no other key is generated', () => {
  expect(() => load(true)).toThrow(KeyUnavailable);
  expect(readdirSync(dataDir)).toEqual([]);
});

test('a lost admin key is replaced, because it seals no data', () => {
  const before = load(false);
  rmSync(join(dataDir, 'admin-key'));
  const after = load(true);
  expect(after.adminKeyCreated).toBe(true);
  expect(after.adminKey.reveal()).not.toBe(before.adminKey.reveal());
});

test('a damaged key file is refused without quoting its content', () => {
  writeFileSync(join(dataDir, 'encryption-keys'), 'k1:half-a-key\n');
  expect(() => load(true)).toThrow(/encryption-keys cannot be used: key 1 \(k1\) is not 32 bytes/);
  expect(() => load(true)).not.toThrow(/half-a-key/);
});

test('rotated encryption keys in the file keep their order', () => {
  const [first, second] = [encryptionKey('new'), encryptionKey('old')];
  writeFileSync(join(dataDir, 'encryption-keys'), `new:${first.key.reveal()},old:${second.key.reveal()}\n`);
  expect(load(true).encryptionKeys.map(({ id }) => id)).toEqual(['new', 'old']);
});
