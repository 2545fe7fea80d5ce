import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { initKeys } from '../../../src/app/commands.ts';

const urls = { database: 'postgres://broker@postgres:5432/broker', redis: 'redis://redis:6379' };
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'token-broker-passwords-'));
});

afterEach(() => rmSync(directory, { recursive: true }));

const read = (name: string) => readFileSync(join(directory, name), 'utf8').trim();
const write = (name: string, content: string) => writeFileSync(join(directory, name), content);

test('a password of 256 bits is generated for each server, readable by its owner only, and its URL holds it', () => {
  expect(initKeys(directory, urls).created).toBe(true);
  const files = readdirSync(directory).toSorted();
  const passwords = ['database-password', 'redis-password'];
  expect(files).toEqual(['admin-key', passwords[0], 'database-url', 'encryption-keys', passwords[1], 'redis-url']);
  for (const file of files) expect(statSync(join(directory, file)).mode & 0o777, file).toBe(0o600);
  for (const file of passwords) expect(read(file)).toMatch(/^[\w-]{43}$/);
  expect(read('database-url')).toBe(`postgres://broker:${read('database-password')}@postgres:5432/broker`);
  expect(read('redis-url')).toBe(`redis://:${read('redis-password')}@redis:6379/`);
  expect(read('redis-password')).not.toBe(read('database-password'));
});

test('an installation without passwords gets them, and a second run keeps every file and takes the access of others', () => {
  initKeys(directory, { database: undefined, redis: undefined });
  expect(readdirSync(directory).toSorted()).toEqual(['admin-key', 'encryption-keys']);
  const contents = () => readdirSync(directory).map((file) => [file, read(file)]);
  const before = contents();
  expect(initKeys(directory, urls).created).toBe(true);
  expect(contents()).toEqual(expect.arrayContaining(before));
  const generated = contents();
  for (const file of readdirSync(directory)) chmodSync(join(directory, file), 0o644);
  expect(initKeys(directory, urls).created).toBe(false);
  expect(contents()).toEqual(generated);
  for (const file of readdirSync(directory)) expect(statSync(join(directory, file)).mode & 0o777, file).toBe(0o600);
});

test('a lost URL is written again with the same password', () => {
  initKeys(directory, urls);
  const before = read('database-url');
  rmSync(join(directory, 'database-url'));
  initKeys(directory, urls);
  expect(read('database-url')).toBe(before);
});

test.each([
  ['a lost password that the server may use', () => rmSync(join(directory, 'database-password')), 'does not. Restore'],
  ['an empty password', () => write('database-password', '\n'), 'database-password is empty'],
  ['an empty URL', () => write('redis-url', ''), 'redis-url is empty'],
])('%s stops the command, and no other password is generated', (_name, damage, message) => {
  initKeys(directory, urls);
  damage();
  const before = readdirSync(directory).map((file) => [file, read(file)]);
  expect(() => initKeys(directory, urls)).toThrow(message);
  expect(readdirSync(directory).map((file) => [file, read(file)])).toEqual(before);
});

test.each([
  [{ ...urls, database: 'postgres://broker:mine@postgres:5432/broker' }, '--database-url has a password'],
  [{ ...urls, redis: 'redis://:mine@redis:6379' }, '--redis-url has a password'],
  [{ ...urls, database: 'mysql://broker@postgres/broker' }, '--database-url must be a URL'],
  [{ ...urls, redis: '' }, '--redis-url must be a URL'],
])('a URL that cannot be used stops the command before it writes, without quoting it', (given, message) => {
  expect(() => initKeys(directory, given)).toThrow(message);
  expect(() => initKeys(directory, given)).not.toThrow(/mine/);
  expect(readdirSync(directory)).toEqual([]);
});
