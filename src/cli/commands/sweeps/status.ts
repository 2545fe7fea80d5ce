import type { CommandContext } from '../../context.ts';
import { relativeTime } from '../../output/relative-time.ts';
import { readSweeps, type Sweep } from './sweep.ts';

export async function sweepStatus(context: CommandContext, { limit }: { limit: number }): Promise<void> {
  const { sweeps, is_running: isRunning } = await readSweeps(await context.api(), limit);
  await context.output.list<Sweep>({
    name: 'sweeps',
    items: sweeps,
    members: { is_running: isRunning },
    empty: 'No sweep has run.',
    columns: [
      { title: 'STARTED', text: ({ started_at: at }) => relativeTime(at) },
      { title: 'RUNNING', text: ({ is_running: runs }) => runs },
      { title: 'SECONDS', text: ({ seconds }) => seconds },
      { title: 'FOUND', text: ({ found }) => found },
      { title: 'REFRESHED', text: ({ refreshed }) => refreshed },
      { title: 'FAILED', text: ({ failed }) => failed, format: ({ failed }) => (failed > 0 ? 'red' : undefined) },
      { title: 'SKIPPED', text: ({ skipped }) => skipped },
    ],
  });
}
