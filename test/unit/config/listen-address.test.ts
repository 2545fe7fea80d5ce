import { expect, test } from 'vitest';
import { loadListenAddress } from '../../../src/config/listen-address.ts';
import { loadConfig } from '../../../src/config.ts';

test.each([
  {},
  { PORT: '', HOST: '', BASE_PATH: '' },
  { PORT: '9090' },
  { HOST: '0.0.0.0' },
  { HOST: '::' },
  { HOST: 'broker.internal' },
  { BASE_PATH: '/' },
  { BASE_PATH: 'oauth' },
  { BASE_PATH: '/oauth/' },
  { BASE_PATH: '//api//oauth' },
])('the health check of the environment %j looks where the service listens', (env) => {
  const { host, port, basePath } = loadConfig(env);
  expect(loadListenAddress(env)).toEqual({ host, port, basePath });
});
