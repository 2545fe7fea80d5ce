import { setTimeout as sleep } from 'node:timers/promises';
import type { Api } from '../../api.ts';
import type { CommandContext } from '../../context.ts';
import { readSweeps, type Sweep, sweepFacts, sweepText } from './sweep.ts';

interface RequestedSweep {
  state: 'queued' | 'running';
  sweep: Sweep | null;
}

const intervalMs = 500;

export async function runSweep(context: CommandContext, { wait }: { wait?: boolean }): Promise<void> {
  const { output, prompts } = context;
  const api = await context.api();
  const { body } = await api.call<RequestedSweep>({ method: 'POST', path: '/admin/refresh/expiring' });
  if (!wait) {
    if (output.format !== 'people') return output.document(body, []);
    return output.say(body.state === 'queued' ? 'A sweep is queued.' : 'A sweep is running already.');
  }
  const ended = await prompts.progress('Waiting for a worker', (update) => awaitSweep(api, body, update));
  await output.document(ended, sweepFacts(ended));
}

/** Waits for the end of the active sweep, or of the next one if it is queued. */
async function awaitSweep(
  api: Api,
  { state, sweep: before }: RequestedSweep,
  update: (words: string) => void,
): Promise<Sweep> {
  for (;;) {
    const [latest] = (await readSweeps(api, 1)).sweeps;
    const isAwaited = latest !== undefined && (state === 'running' || latest.id !== before?.id);
    if (isAwaited && !latest.is_running) return latest;
    if (isAwaited) update(sweepText(latest));
    await sleep(intervalMs);
  }
}
