import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readCompose, readImage } from '../support/processes/container-stack.ts';

describe('the container image', () => {
  const lines = readFileSync(resolve(import.meta.dirname, '../../Dockerfile'), 'utf8').split('\n');
  const finalStage = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')));

  test('the image runs as a numeric user that is not root, set once before the entry point', () => {
    const users = finalStage.filter((line) => line.startsWith('USER '));
    expect(users).toEqual([expect.stringMatching(/^USER [1-9]\d{2,}(:[1-9]\d*)?$/)]);
    expect(finalStage.findIndex((line) => line.startsWith('USER '))).toBeLessThan(
      finalStage.findIndex((line) => line.startsWith('ENTRYPOINT ')),
    );
  });

  test('the user of the image owns the data folder only and cannot change the program', () => {
    const owned = lines.filter((line) => line.includes('chown')).join('\n');
    expect(owned).not.toMatch(/\/app|node_modules|\bsrc\b/);
    expect(owned).toContain('/data');
  });

  test('the image holds no secret and runs no install script of a package', () => {
    expect(lines.filter((line) => /^(ENV|ARG)\b.*(KEY|SECRET|PASSWORD|TOKEN|_URL)/i.test(line))).toEqual([]);
    for (const line of lines.filter((each) => each.includes('npm ci'))) expect(line).toContain('--ignore-scripts');
  });

  const image = readImage();
  const built = Object.entries(readCompose().services).filter(([, { build }]) => build !== undefined);

  test('a service process that is taken over cannot change its file system: it is read-only, without capabilities or root', () => {
    expect(built.map(([name]) => name)).toEqual(['keys', 'migrate', 'api', 'worker']);
    for (const [name, service] of built) {
      expect(service, name).toMatchObject({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      });
      expect(service.user ?? image.user, name).toMatch(/^[1-9]\d*:[1-9]\d*$/);
      expect(service.privileged, name).toBeUndefined();
    }
  });

  test('the only writable place is the data folder, on a volume, and a temporary folder in memory', () => {
    for (const [name, { volumes = [], tmpfs = [] }] of built) {
      const writable = volumes.map((volume) => volume.split(':')).filter(([, , mode]) => mode !== 'ro');
      const places = writable.map(([, target]) => target);
      expect(places, name).toEqual(name === 'keys' ? ['/keys'] : places.filter((target) => target === '/data'));
      expect(
        tmpfs.map((each) => each.split(':')[0]).filter((target) => target !== '/tmp'),
        name,
      ).toEqual([]);
    }
  });
});
