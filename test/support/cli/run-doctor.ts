import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import process from 'node:process';

export interface DoctorCheck {
  name: string;
  state: 'ok' | 'warning' | 'failed' | 'skipped';
  found: string;
  next: string | null;
}

export interface DoctorReport {
  exitCode: number;
  checks: DoctorCheck[];
  failed: number;
  warnings: number;
  /** Words on stderr. */
  words: string;
}

export interface DoctorCall {
  /** Whole environment besides PATH and HOME. */
  env: Readonly<Record<string, string>>;
  args?: readonly string[];
  directory: string;
}

const program = resolve(import.meta.dirname, '../../../src/cli/launch.js');

/** Runs the command in a process of its own, as a person does, and reads its JSON. */
export function runDoctor({ env, args = [], directory }: DoctorCall): Promise<DoctorReport> {
  return new Promise((done, fail) => {
    const { PATH, HOME } = process.env;
    const options = { cwd: directory, env: { PATH, HOME, ...env } };
    const child = execFile(
      process.execPath,
      [program, 'doctor', '--json', ...args],
      options,
      (_error, stdout, words) => {
        try {
          const { checks, failed, warnings } = JSON.parse(stdout) as Omit<DoctorReport, 'exitCode' | 'words'>;
          done({ exitCode: child.exitCode ?? -1, checks, failed, warnings, words });
        } catch (cause) {
          fail(new Error(`doctor printed no document:\n${stdout}\n${words}`, { cause }));
        }
      },
    );
  });
}

/** Checks that blame something. */
export function faultsOf({ checks }: DoctorReport): DoctorCheck[] {
  return checks.filter(({ state }) => state === 'failed' || state === 'warning');
}
