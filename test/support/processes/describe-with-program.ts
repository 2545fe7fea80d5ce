import { env } from 'node:process';
import { describe, test } from 'vitest';

export interface NeededProgram {
  title: string;
  /** Reason why the program is missing. Null if it is there. */
  absence: string | null;
}

/** Declares a suite that needs a program. Without it the suite is skipped under a name that says so; with CI=true it fails. */
export function describeWithProgram({ title, absence }: NeededProgram, name: string, suite: () => void): void {
  if (absence === null) {
    describe(name, suite);
  } else if (env.CI === 'true') {
    test(`${name}: ${title} is running`, () => {
      throw new Error(`${title} is missing: ${absence}.`);
    });
  } else {
    describe.skip(`${name} [skipped, ${title} is missing: ${absence}]`, suite);
  }
}
