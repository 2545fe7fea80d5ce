import { pathOf } from '../../../client/transport/request-url.ts';
import type { Cancelled } from '../../../client/types/authorization.ts';
import type { Grant, TestReport } from '../../../client/types/grant.ts';
import type { CommandContext } from '../../context.ts';
import { exitCodes } from '../../exit-codes.ts';
import { grantFacts } from './show.ts';

export interface SelectorOptions {
  subject?: string;
  account?: string;
}

export function selectorOf({ subject, account }: SelectorOptions) {
  return { subject, account_id: account };
}

export async function refresh(context: CommandContext, name: string, options: SelectorOptions): Promise<void> {
  const api = await context.api();
  const call = { method: 'POST', path: pathOf('connections', name, 'refresh'), body: selectorOf(options) } as const;
  const { body } = await context.prompts.progress(`Refreshing ${name}`, () => api.call<Grant>(call));
  await context.output.document(body, grantFacts(body));
}

export async function test(context: CommandContext, name: string, options: SelectorOptions): Promise<void> {
  const api = await context.api();
  const call = { method: 'POST', path: pathOf('connections', name, 'test'), body: selectorOf(options) } as const;
  const { body } = await context.prompts.progress(`Testing ${name}`, () => api.call<TestReport>(call));
  await context.output.document(body, [
    ['result', body.test_result],
    ['message', body.message],
    ['response time', `${body.response_time_ms} ms`],
  ]);
  if (body.test_result === 'failed') context.exitCode = exitCodes.failure;
}

export async function cancel(context: CommandContext, name: string, { subject }: SelectorOptions): Promise<void> {
  const api = await context.api();
  const path = pathOf('connections', name, 'cancel');
  const { body } = await api.call<Cancelled>({ method: 'POST', path, body: { subject } });
  if (context.output.format === 'people') context.output.say(body.message);
  else await context.output.document(body, []);
}
