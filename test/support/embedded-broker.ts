import { type ChildProcessWithoutNullStreams, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { execPath } from 'node:process';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

export interface EmbeddedBroker {
  /** Of the process that holds the lock. */
  pid: number;
  databasePid: number;
  url: string;
  kill(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

export interface EmbeddedBrokerOptions extends Pick<SpawnOptions, 'uid' | 'gid' | 'signal' | 'killSignal'> {
  script?: string;
}

const ownScript = fileURLToPath(new URL('embedded-process.ts', import.meta.url));

/** Starts a process that owns the data directory; rejects with what it wrote to stderr where it ends instead. */
export async function startEmbeddedBroker(
  dataDir: string,
  shelter: string,
  { script = ownScript, ...options }: EmbeddedBrokerOptions = {},
): Promise<EmbeddedBroker> {
  const child = spawn(execPath, [script, dataDir, shelter], { ...options, cwd: '/' });
  // Aborted through the signal: told by the missing line below.
  child.on('error', () => {});
  const ended = once(child, 'exit').catch(() => {});
  const complaint = text(child.stderr);
  const line = await firstLine(child);
  if (line === undefined) {
    await ended;
    throw new Error(await complaint);
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
