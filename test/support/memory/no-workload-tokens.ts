import type { WorkloadTokens } from '../../../src/domain/ports/workload-tokens.ts';

/** Knows no issuer: every token is refused. */
export const noWorkloadTokens: WorkloadTokens = { recall: () => undefined, verify: async () => undefined };
