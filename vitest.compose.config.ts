import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/compose/**/*.test.ts'],
    pool: 'forks',
    // All files run the same stack, with the published port 8080.
    fileParallelism: false,
    // An engine wrapper may have to make the images first.
    testTimeout: 900_000,
    hookTimeout: 1_800_000,
    expect: { poll: { timeout: 300_000, interval: 500 } },
  },
});
