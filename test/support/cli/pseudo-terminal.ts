import { spawn } from 'node:child_process';
import { expect } from 'vitest';
import { findProgram } from '../processes/debian-programs.ts';
import type { NeededProgram } from '../processes/describe-with-program.ts';

const script = findProgram(['script']);

/** `script` of util-linux, which runs a command on a terminal. */
export const pseudoTerminal: NeededProgram = {
  title: 'script of util-linux',
  absence: script === undefined ? 'it is not on the PATH' : null,
};

/** A command that runs on a terminal. */
export interface TerminalSession {
  /** Everything that the terminal has shown, with its control sequences. */
  screen(): string;
  /** Waits until the terminal has shown this since the last call. */
  shows(part: string | RegExp): Promise<string>;
  type(keys: string): void;
  /** Exit code of the command. */
  ended: Promise<number | null>;
  kill(): void;
}

/** Milliseconds for a command on a busy machine. */
const patienceMs = 60_000;

export function openTerminal(
  command: readonly string[],
  { env, directory }: { env: Record<string, string>; directory: string },
): TerminalSession {
  const words = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  // A new terminal has no size.
  const line = `stty cols 200 rows 50; exec ${words}`;
  // -e returns the exit code of the command, -q and -f leave out and hold back nothing. The file would keep the screen.
  const child = spawn(script ?? '', ['-qefc', line, '/dev/null'], {
    cwd: directory,
    env: { TERM: 'xterm', ...env },
  });
  let shown = '';
  let seen = 0;
  child.stdout.on('data', (data: Buffer) => {
    shown += data.toString();
  });
  child.stdin.on('error', () => {});
  return {
    screen: () => shown,
    async shows(part) {
      const pattern = typeof part === 'string' ? new RegExp(part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')) : part;
      const find = () => pattern.exec(shown.slice(seen));
      try {
        await expect.poll(() => find() !== null || child.exitCode !== null, { timeout: patienceMs }).toBe(true);
        // The last output may arrive after the end.
        await expect.poll(find).not.toBeNull();
      } catch (cause) {
        throw new Error(`The terminal did not show ${part}, but ${JSON.stringify(shown.slice(seen))}`, { cause });
      }
      const text = shown.slice(seen);
      const found = find();
      // The text after it may have arrived in the same piece: the next call looks there.
      seen += found === null ? 0 : found.index + found[0].length;
      return text;
    },
    type: (keys) => void child.stdin.write(keys),
    ended: new Promise((resolve, reject) => child.on('error', reject).on('close', resolve)),
    kill: () => void child.kill('SIGTERM'),
  };
}
