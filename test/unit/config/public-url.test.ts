import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../../src/config.ts';

describe('PUBLIC_URL', () => {
  test('PUBLIC_URL defaults to the port on localhost', () => {
    expect(loadConfig({ PORT: '9000' }).publicUrl).toBe('http://localhost:9000');
  });

  test('PUBLIC_URL stays open with PORT=0', () => {
    expect(loadConfig({ PORT: '0' }).publicUrl).toBeNull();
    expect(loadConfig({ PORT: '0', PUBLIC_URL: 'https://b.example/' }).publicUrl).toBe('https://b.example');
  });

  test('PUBLIC_URL is normalised to one spelling', () => {
    expect(loadConfig({ PUBLIC_URL: 'HTTPS://Broker.Example:443/' }).publicUrl).toBe('https://broker.example');
    expect(loadConfig({ PUBLIC_URL: 'https://x.Example//tools/broker/' }).publicUrl).toBe(
      'https://x.example/tools/broker',
    );
  });

  test.each(['https://x.example/broker', 'https://x.example/tools/broker/'])(
    'PUBLIC_URL=%s is refused with BASE_PATH=/broker: every link would hold the path twice',
    (url) => {
      expect(() => loadConfig({ PUBLIC_URL: url, BASE_PATH: '/broker' })).toThrow('PUBLIC_URL: ends with BASE_PATH');
    },
  );

  test('PUBLIC_URL may hold a path that a proxy strips, beside a BASE_PATH that it keeps', () => {
    const config = loadConfig({ PUBLIC_URL: 'https://broker/tools', BASE_PATH: '/broker' });
    expect([config.publicUrl, config.basePath]).toEqual(['https://broker/tools', '/broker']);
  });
});
