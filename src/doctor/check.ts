import type { Ground } from './ground.ts';

/** failed: something does not work. warning: it works, and a person should look. skipped: it cannot be told from here. */
export type CheckState = 'ok' | 'warning' | 'failed' | 'skipped';

export interface Finding {
  state: CheckState;
  /** One or two sentences. Never holds a secret. */
  found: string;
  /** Instruction for the reader; null if nothing is to be done. */
  next: string | null;
}

export interface CheckResult extends Finding {
  name: string;
}

export interface Check {
  name: string;
  run(ground: Ground): Promise<Finding>;
}

export const ok = (found: string): Finding => ({ state: 'ok', found, next: null });
export const warning = (found: string, next: string): Finding => ({ state: 'warning', found, next });
export const failed = (found: string, next: string): Finding => ({ state: 'failed', found, next });
export const skipped = (found: string, next: string | null = null): Finding => ({ state: 'skipped', found, next });

/** Runs the checks in order. A check that throws has a defect of its own, which must not hide the others. */
export async function runChecks(checks: readonly Check[], ground: Ground): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const { name, run } of checks) {
    const finding = await run(ground).catch((error: unknown) =>
      failed(`The check itself failed: ${messageOf(error)}`, 'Report this as a defect of the command.'),
    );
    results.push({ name, ...finding });
  }
  return results;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown error';
}
