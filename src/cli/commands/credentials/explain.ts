import { pathOf } from '../../../client/transport/request-url.ts';
import type { Explanation } from '../../../client/types/credential.ts';
import type { CommandContext } from '../../context.ts';
import type { Format } from '../../output/style.ts';
import { type FetchOptions, selectionOf } from './fetch.ts';

type Step = Explanation['steps'][number];

const formats: Readonly<Record<Step['outcome'], Format>> = {
  passed: 'green',
  refused: 'red',
  insufficient: 'red',
  refresh: 'yellow',
};

export async function explain(context: CommandContext, name: string, options: FetchOptions): Promise<void> {
  const { output } = context;
  const api = await context.api();
  const path = pathOf('credentials', name, 'explain');
  const { body } = await api.call<Explanation>({ method: 'GET', path, query: selectionOf(options) });
  if (output.format !== 'people') return output.document(body, []);
  await output.list<Step>({
    name: 'steps',
    items: body.steps,
    columns: [
      { title: 'STEP', text: ({ step }) => step },
      { title: 'OUTCOME', text: ({ outcome }) => outcome, format: ({ outcome }) => formats[outcome] },
      { title: 'DETAIL', text: ({ detail }) => detail },
    ],
  });
  const { status, code, next_action: next } = body.answer;
  output.say(
    `A fetch answers ${status}${code === null ? '' : ` ${code}`}${next === 'none' ? '' : `; next action: ${next}`}.`,
  );
}
