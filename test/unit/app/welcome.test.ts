import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { welcome } from '../../../src/app/process/welcome.ts';

const url = 'http://localhost:8080/oauth';

test('the first start names the API, its documentation, the key and the next commands', () => {
  const text = welcome({ url, keyFile: '/srv/broker/data/admin-key', isFirstStart: true, directory: '/srv/broker' });
  for (const part of [url, `${url}/docs`, 'data/admin-key']) expect(text).toContain(part);
  expect(text.match(/^ {2}(?:curl|AUTH=)/gm)).toHaveLength(3);
});

test('later starts say where the key is, in one line', () => {
  const text = welcome({ url, keyFile: '/var/lib/key', isFirstStart: false, directory: '/srv/broker' });
  expect(text).toBe(
    `Token broker at ${url}, its console at ${url}/console; the administrator's key is in /var/lib/key`,
  );
});

test.each(['plain', 'with space', "it's", '$HOME', 'a;b', '`id`'])(
  'the printed command reads the key from a folder named %s',
  (name) => {
    const directory = mkdtempSync(join(tmpdir(), 'welcome-'));
    try {
      const keyFile = join(directory, name);
      writeFileSync(keyFile, 'the-key\n');
      const text = welcome({ url, keyFile, isFirstStart: true, directory });
      const [command = ''] = text.match(/AUTH=.*/) ?? [];
      const output = execFileSync('sh', ['-c', `${command}; printf %s "$AUTH"`], { cwd: directory, encoding: 'utf8' });
      expect(output).toBe('Authorization: Bearer the-key');
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
);
