import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import about from '../../package.json' with { type: 'json' };
import { projectRoot } from '../support/architecture/source-tree.ts';
import { readCompose, readImage, startOrder } from '../support/processes/container-stack.ts';

const image = readImage();

test('the image runs the command of npm start with the same flags', () => {
  expect(image.entrypoint.join(' ')).toBe(about.scripts.start);
});

describe('docker-compose.yml and the image', () => {
  const compose = readCompose();
  const built = Object.entries(compose.services).filter(([, { build }]) => build !== undefined);

  test('docker-compose.yml publishes the API only, on loopback', () => {
    const published = Object.entries(compose.services).flatMap(([name, { ports = [] }]) =>
      ports.map((port) => [name, port]),
    );
    expect(published).toEqual([['api', '127.0.0.1:8080:8080']]);
  });

  test('every dependency has a health check or is a process that ends, and the start order follows', () => {
    for (const [name, { depends_on = {} }] of Object.entries(compose.services)) {
      for (const [needed, { condition }] of Object.entries(depends_on)) {
        const target = compose.services[needed];
        expect(target, `${name} waits for ${needed}`).toBeDefined();
        if (condition === 'service_healthy') expect(target?.healthcheck?.test, needed).toBeDefined();
        else expect([condition, target?.restart], needed).toEqual(['service_completed_successfully', undefined]);
      }
    }
    const order = startOrder(compose);
    for (const [first, second] of [
      ['keys', 'postgres-init'],
      ['postgres-init', 'postgres'],
      ['keys', 'redis'],
      ['postgres', 'migrate'],
      ['migrate', 'api'],
      ['migrate', 'worker'],
      ['redis', 'api'],
      ['redis', 'worker'],
    ] as const) {
      expect(order.indexOf(first), `${first} before ${second}`).toBeLessThan(order.indexOf(second));
    }
  });

  test('every service process reads the URLs that the keys service writes, with the user and database that exist', () => {
    for (const [name, { environment }] of built.filter(([name]) => name !== 'keys')) {
      expect(environment, name).toMatchObject({
        DATABASE_URL_FILE: '/keys/database-url',
        REDIS_URL_FILE: '/keys/redis-url',
      });
    }
    const { keys, 'postgres-init': init } = compose.services;
    expect(keys?.command).toContain('--database-url=postgres://broker@postgres:5432/broker');
    expect(keys?.command).toContain('--redis-url=redis://redis:6379');
    expect(init?.command?.join('')).toMatch(/--username=broker .*create database broker/s);
  });

  test('only declared volumes are mounted, the keys service alone can write the keys, and the database server has none', () => {
    for (const [name, { volumes = [] }] of Object.entries(compose.services)) {
      for (const volume of volumes) {
        const [source = '', target, mode] = volume.split(':');
        expect(Object.keys(compose.volumes), `${name} ${volume}`).toContain(source);
        if (target === '/keys') expect(mode, name).toBe(name === 'keys' ? undefined : 'ro');
      }
    }
    expect(compose.services.postgres?.volumes).toEqual(['postgres:/var/lib/postgresql']);
  });

  test('the image copies the runtime files only, and .dockerignore admits them', () => {
    expect(image.copied.toSorted()).toEqual(['migrations', 'openapi.yaml', 'package.json', 'src']);
    const ignored = readFileSync(join(projectRoot, '.dockerignore'), 'utf8').split('\n');
    for (const path of image.copied) expect(ignored).toContain(`!${path}`);
  });
});
