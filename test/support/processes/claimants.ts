import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { execPath } from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface ClaimAttempt {
  won: boolean;
  proof?: 'socket' | 'process' | 'heartbeat';
  /** Pid of the holder in its own namespace. */
  pid?: number;
  warnings?: string[];
}

export type Claimant = Awaited<ReturnType<typeof startClaimant>>;

const script = fileURLToPath(new URL('./claimant.ts', import.meta.url));

/** Starts a process that claims paths on request. `prefix` are words before the Node program. */
export async function startClaimant(prefix: readonly string[] = []) {
  const [program = execPath, ...words] = [...prefix, execPath, script];
  const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const send = async (line: string): Promise<ClaimAttempt> => {
    child.stdin.write(`${line}\n`);
    return JSON.parse((await lines.next()).value ?? 'null');
  };
  await lines.next();
  return {
    child,
    claim: send,
    release: () => send(''),
    async kill(): Promise<void> {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
