import { chmodSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { configPath, readConfig, writeConfig } from '../../../src/cli/settings/config-file.ts';
import { readSecretFile } from '../../../src/cli/settings/secret-file.ts';
import { resolveSettings } from '../../../src/cli/settings/settings.ts';
import type { GlobalFlags } from '../../../src/cli/settings/sources.ts';
import { createTemporaryFolder } from '../../support/processes/temporary-folder.ts';

let directory: string;
let environment: Record<string, string>;
let words: string[];

beforeEach(() => {
  directory = createTemporaryFolder('cli-settings-');
  environment = { XDG_CONFIG_HOME: join(directory, 'config') };
  words = [];
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function settings(flags: GlobalFlags = {}, variables: Record<string, string> = {}, input = '') {
  const stdin = Readable.from([input]);
  const env = { ...environment, ...variables };
  return resolveSettings({ flags, environment: env, directory, stdin, say: (text) => words.push(text) });
}

function write(name: string, text: string): string {
  writeFileSync(join(directory, name), text);
  return name;
}

const profile = { url: 'https://profile.example', key: 'profile-key', organization: 'acme' };

describe('the order of the settings', () => {
  test('flags, variables, profile, and the broker of this machine', () => {
    expect(settings().url).toBe('http://127.0.0.1:8080');
    expect(settings({}, { PORT: '9000', BASE_PATH: '/api/oauth/' }).url).toBe('http://127.0.0.1:9000/api/oauth');
    writeConfig(environment, { current: 'default', profiles: { default: profile } });
    expect(settings()).toMatchObject({ url: profile.url, organization: 'acme' });
    const variables = { TOKEN_BROKER_URL: 'https://variable.example', TOKEN_BROKER_ORGANIZATION: 'globex' };
    expect(settings({}, variables)).toMatchObject({ url: 'https://variable.example', organization: 'globex' });
    const flags = { url: 'https://flag.example', organization: 'initech' };
    expect(settings(flags, variables)).toMatchObject(flags);
  });

  test('the key: a file of a flag, stdin, a variable, a file of a variable, the profile', async () => {
    writeConfig(environment, { current: 'default', profiles: { default: profile } });
    const keyFile = write('flag', 'flag-key\n');
    const variables = { TOKEN_BROKER_KEY: 'variable-key', TOKEN_BROKER_KEY_FILE: write('variable', 'file-key\n') };
    expect(await settings({ keyFile }, variables).readKey()).toBe('flag-key');
    expect(await settings({ keyFile: '-' }, variables, 'stdin-key\n').readKey()).toBe('stdin-key');
    expect(await settings({}, variables).readKey()).toBe('variable-key');
    expect(await settings({}, { ...variables, TOKEN_BROKER_KEY: '' }).readKey()).toBe('file-key');
    expect(await settings().readKey()).toBe('profile-key');
  });

  test('a profile that a flag names stands before the variables', async () => {
    writeConfig(environment, { current: 'other', profiles: { other: {}, staging: profile } });
    const variables = { TOKEN_BROKER_URL: 'https://variable.example', TOKEN_BROKER_KEY: 'variable-key' };
    const found = settings({ profile: 'staging' }, variables);
    expect(found.url).toBe(profile.url);
    expect(await found.readKey()).toBe('profile-key');
    expect(settings({}, { TOKEN_BROKER_PROFILE: 'staging' }).url).toBe(profile.url);
    expect(() => settings({ profile: 'absent' })).toThrow('There is no profile absent.');
  });
});

describe('a key never reaches a broker it was not made for', () => {
  test('the key of a profile goes to its address only', async () => {
    writeConfig(environment, { current: 'default', profiles: { default: profile } });
    await expect(settings({ url: 'https://other.example' }).readKey()).rejects.toThrow(/There is no key .*other/);
  });

  test('the administrator’s key of this machine goes to this machine only, and the words say it', async () => {
    mkdirSync(join(directory, 'data'));
    write('data/admin-key', 'admin-key\n');
    expect(await settings().readKey()).toBe('admin-key');
    expect(await settings({ url: 'http://localhost:9000' }).readKey()).toBe('admin-key');
    expect(words).toEqual([expect.stringContaining(join(directory, 'data', 'admin-key')), words[1]]);
    await expect(settings({ url: 'https://broker.example' }).readKey()).rejects.toThrow('There is no key');
    await expect(settings({ url: 'http://127.0.0.1.example' }).readKey()).rejects.toThrow('There is no key');
  });

  test('the key of a service’s variables is found in its container', async () => {
    const file = write('key', 'container-key\n');
    expect(await settings({}, { ADMIN_API_KEY_FILE: join(directory, file) }).readKey()).toBe('container-key');
    expect(await settings({}, { ADMIN_API_KEY: 'variable-key' }).readKey()).toBe('variable-key');
    mkdirSync(join(directory, 'elsewhere'));
    write('elsewhere/admin-key', 'other-key\n');
    expect(await settings({}, { DATA_DIR: join(directory, 'elsewhere') }).readKey()).toBe('other-key');
  });
});

describe('config.json', () => {
  const profiles = { default: profile };

  test('is written with mode 0600 in a folder of mode 0700, whatever the umask', () => {
    const umask = process.umask(0);
    try {
      writeConfig(environment, { current: 'default', profiles });
    } finally {
      process.umask(umask);
    }
    const path = configPath(environment);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(path, '..')).mode & 0o777).toBe(0o700);
    expect(readConfig(environment)).toEqual({ current: 'default', profiles });
  });

  test.each([0o604, 0o640, 0o602])('is refused with mode %o', (mode) => {
    writeConfig(environment, { current: 'default', profiles });
    chmodSync(configPath(environment), mode);
    expect(() => readConfig(environment)).toThrow('other users may read it');
  });

  test('that is broken is named, and not quoted', () => {
    writeConfig(environment, { current: 'default', profiles });
    for (const text of ['{"key": "canary', '[]', 'null', '{"current":"a"}']) {
      writeFileSync(configPath(environment), text);
      expect(() => readConfig(environment)).toThrow(
        `${configPath(environment)} is not a configuration of token-broker.`,
      );
    }
  });
});

describe('a secret of a flag', () => {
  const source = () => ({ stdin: Readable.from(['from-stdin\n']), directory });

  test('comes from a file or stdin, without the line break', async () => {
    expect(await readSecretFile(source(), write('secret', 'from-file\r\n'), '--client-secret')).toBe('from-file');
    expect(await readSecretFile(source(), '-', '--client-secret')).toBe('from-stdin');
  });

  test('that was typed in the place of a file is not repeated', async () => {
    const mistyped = readSecretFile(source(), 'canary-secret', '--client-secret');
    await expect(mistyped).rejects.toThrow('The file of --client-secret cannot be read.');
    await expect(readSecretFile(source(), write('empty', '\n'), '--key-file')).rejects.toThrow('is empty');
  });
});
