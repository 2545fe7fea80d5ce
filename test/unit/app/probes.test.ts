import { expect, test } from 'vitest';
import { createProbes, type ProbedParts } from '../../../src/app/probes.ts';

test('keys that are proven while a readiness check runs do not make a start ready before its file is applied', async () => {
  let isProven = false;
  // The parts that readiness reads.
  const parts = {
    config: { dataDir: '/nowhere', refresh: { intervalMs: 1 }, callsTokenEndpoints: true },
    postgres: {
      ping: async () => {},
      watch: { fault: () => null },
      pendingMigrations: async () => {
        isProven = true;
        return [];
      },
    },
    jobs: {},
    cipher: { isReady: () => isProven },
    connectionsFile: { isApplied: () => false },
    waitingFor: () => null,
  } as unknown as ProbedParts;
  const { readiness } = createProbes(parts);
  expect(await readiness()).toMatchObject({ migrated: true, keyProven: false });
  expect(await readiness()).toMatchObject({ migrated: false, keyProven: true });
});
