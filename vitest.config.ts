import { defineConfig } from 'vitest/config';

/** Suites of test/conformance that run against adapters without a server. */
const conformanceInProcess = ['memory', 'crypto', 'embedded', 'templates', 'template-deviations'].map(
  (name) => `test/conformance/${name}.test.ts`,
);

export default defineConfig({
  test: {
    pool: 'forks',
    // Each file may run a service, and all files share one database server: more workers only wait for each other.
    maxWorkers: 2,
    testTimeout: 120_000,
    // The longest time for which a process may serve what another one has changed. Vitest would give up after one second.
    expect: { poll: { timeout: 5000 } },
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['test/unit/**/*.test.ts', ...conformanceInProcess] },
      },
      {
        extends: true,
        test: {
          name: 'services',
          include: ['test/**/*.test.ts'],
          // The fault suite kills processes by the hundred; it has a configuration of its own.
          exclude: ['test/faults/**', 'test/compose/**', 'test/unit/**', ...conformanceInProcess, 'node_modules/**'],
          // Starts one Postgres and one Redis for the run.
          globalSetup: 'test/support/global-setup.ts',
        },
      },
    ],
  },
});
