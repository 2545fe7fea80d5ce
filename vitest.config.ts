import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // The fault suite kills processes by the hundred; it has a configuration of its own.
    exclude: ['test/faults/**', 'node_modules/**'],
    globalSetup: 'test/support/global-setup.ts',
    pool: 'forks',
    // Each file may run a service and share the one database server; more of them at once only wait for each other.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
  },
});
