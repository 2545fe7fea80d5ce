import { parseAnswerBody } from './answer-body.ts';
import { mapMembers, type ParsedAnswer } from './canonical-answer.ts';
import { refusalFailure } from './classification.ts';
import { unreadable } from './network-failure.ts';
import type { OutboundAnswer } from './outbound.ts';
import type { Provider } from './resolve-provider.ts';
import { valueAt } from './value-path.ts';

/** The members of a granting answer under standard names; throws for every refusal, however it is dressed. */
export function readMembers(answer: OutboundAnswer, provider: Provider, now: Date): ParsedAnswer {
  const { template } = provider;
  const raw = parseAnswerBody(answer.body);
  const error = raw === null ? null : valueAt(raw, template.response.error ?? 'error');
  const refuse = () => refusalFailure({ status: answer.status, error, retryAfter: answer.retryAfter }, template, now);
  if (answer.status < 200 || answer.status >= 300) throw refuse();
  if (raw === null) throw unreadable(answer.status);
  const { success } = template.response;
  if (raw.ok === false || (success !== null && valueAt(raw, success.path) !== success.equals)) throw refuse();
  const members = mapMembers(raw, template);
  if (typeof members.access_token === 'string' && members.access_token !== '') return members;
  throw error === null || error === undefined ? unreadable(answer.status) : refuse();
}
