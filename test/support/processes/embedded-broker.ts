import { type ChildProcessWithoutNullStreams, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { execPath } from 'node:process';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

export interface EmbeddedBroker {
  /** Pid of the process that holds the lock. */
  pid: number;
  databasePid: number;
  url: string;
  kill(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

export interface EmbeddedBrokerOptions extends Pick<SpawnOptions, 'uid' | 'gid' | 'env' | 'signal' | 'killSignal'> {
  script?: string;
  /** Path of the Node program. Defaults to that of this process. */
  program?: string;
}

const ownScript = fileURLToPath(new URL('./embedded-process.ts', import.meta.url));

/** Starts a process that owns the data directory. Rejects with its stderr if it ends instead. */
export async function startEmbeddedBroker(
  dataDir: string,
  shelter: string,
  { script = ownScript, program = execPath, ...options }: EmbeddedBrokerOptions = {},
): Promise<EmbeddedBroker> {
  const child = spawn(program, [script, dataDir, shelter], { ...options, cwd: '/' });
  // An abort through the signal shows below, as a missing line.
  child.on('error', () => {});
  const ended = once(child, 'exit').catch(() => {});
  const stderrText = text(child.stderr);
  const line = await firstLine(child);
  if (line === undefined) {
    await ended;
    throw new Error(await stderrText);
  }
  const report = JSON.parse(line) as { pid: number; url: string };
  return {
    pid: child.pid ?? 0,
    databasePid: report.pid,
    url: report.url,
    kill: async (signal) => {
      child.kill(signal);
      await ended;
    },
  };
}

async function firstLine(child: ChildProcessWithoutNullStreams): Promise<string | undefined> {
  for await (const line of createInterface({ input: child.stdout })) return line;
  return undefined;
}
