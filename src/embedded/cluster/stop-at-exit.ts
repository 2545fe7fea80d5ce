import process from 'node:process';

/**
 * Sends a signal to a child process if this process exits before `forget` is called: no exit but SIGKILL leaves the
 * child running. `pidOf` is called at the exit and must be synchronous.
 */
export function stopAtExit(pidOf: () => number | undefined, signal: 'SIGINT' | 'SIGTERM'): { forget(): void } {
  const stop = () => {
    const pid = pidOf();
    if (pid === undefined) return;
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended.
    }
  };
  process.once('exit', stop);
  return { forget: () => void process.off('exit', stop) };
}
