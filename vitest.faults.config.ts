import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/faults/**/*.test.ts'],
    globalSetup: 'test/support/global-setup.ts',
    pool: 'forks',
    // Every test here runs several processes and measures what survives; alone, so that none disturbs another.
    fileParallelism: false,
    // Two hundred kills and restarts take ten minutes on a slow machine.
    testTimeout: 1_800_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
  },
});
