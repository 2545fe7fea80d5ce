import { stepNames } from '../../broker/credentials/explained-steps.ts';
import type { BrokerErrorCode } from '../../domain/errors.ts';
import { nextActionOfRefusal } from '../../domain/next-action-of-refusal.ts';
import { html, type Markup } from '../../markup/html.ts';
import { isolated } from '../layout/owner.ts';
import { badge, nextActionWords, type Tone } from '../layout/status.ts';
import { pairs } from '../layout/table.ts';
import type { ExplainedFetch, ShownStep } from './as-caller.ts';

export type ProblemOf = (code: BrokerErrorCode) => { status: number; title: string };

const stepWords: Readonly<Record<ShownStep['step'], { title: string; skipped: string }>> = {
  api_key: { title: 'API key', skipped: '' },
  organization: { title: 'Organisation', skipped: '' },
  permission: { title: 'Permission', skipped: '' },
  workflow: { title: 'Workflow', skipped: 'The request names no workflow.' },
  name_pattern: { title: 'Connections of the caller', skipped: '' },
  connection: { title: 'Connection', skipped: '' },
  grant: { title: 'Grant', skipped: 'Without a connection there is no grant.' },
  scopes: { title: 'Scopes', skipped: 'The request names no scope, or no grant was found.' },
  token: { title: 'Stored token', skipped: 'Without one grant there is no token.' },
  refresh: { title: 'Refresh', skipped: 'The fetch does not come to a refresh.' },
};

const outcomeWords: Readonly<Record<ShownStep['outcome'], { tone: Tone; word: string }>> = {
  passed: { tone: 'good', word: 'OK' },
  refused: { tone: 'bad', word: 'Refused' },
  insufficient: { tone: 'warn', word: 'Not enough' },
  refresh: { tone: 'warn', word: 'Calls the provider' },
};

export function explained(fetch: ExplainedFetch, problemOf: ProblemOf): Markup {
  return html`${answerOf(fetch, problemOf)}
<section class="panel"><h2>Steps</h2><ol class="fetch-steps">${listed(fetch.steps).map(stepItem)}</ol></section>`;
}

function answerOf({ steps, refusal, nextAction }: ExplainedFetch, problemOf: ProblemOf): Markup {
  if (refusal === null) {
    const waits = steps.some(({ outcome }) => outcome === 'refresh');
    return html`<section class="panel ${waits ? 'warn' : 'good'}" aria-labelledby="answer"><h2 id="answer">${
      waits ? 'The fetch calls the provider first' : 'The fetch gets a token'
    }</h2>
${waits ? html`<p>This is the answer if the refresh works. Else the caller gets a refusal with the code of the failure.</p>` : null}
${pairs([
  ['Status', 200],
  ['Next action', nextActionWords[nextAction]],
])}</section>`;
  }
  const { code, details, message } = refusal;
  const { status, title } = problemOf(code);
  const retryAfter = 'retry_after' in details ? details.retry_after : undefined;
  const reason = 'status_reason' in details ? details.status_reason : undefined;
  return html`<section class="panel bad" aria-labelledby="answer"><h2 id="answer">The fetch is refused: ${title}</h2>
<p>${isolated(message)}</p>
${pairs([
  ['Status', status],
  ['Code', html`<code>${code}</code>`],
  ...(reason ? [['Reason', html`<code>${reason}</code>`] as const] : []),
  ['Next action', nextActionWords[nextActionOfRefusal(refusal) ?? 'none']],
  ['Retry-After', retryAfter === undefined ? 'no such header' : `${retryAfter} seconds`],
])}</section>`;
}

/** Puts the steps that do not apply into their places, so that the list always has the same order. */
function listed(steps: readonly ShownStep[]): (ShownStep | { step: ShownStep['step']; outcome: 'skipped' })[] {
  const before = steps.filter(({ step }) => step === 'api_key' || step === 'organization');
  const ordered = stepNames.map((name) => steps.find(({ step }) => step === name) ?? skipped(name));
  return [...before, ...ordered];
}

function skipped(step: ShownStep['step']) {
  return { step, outcome: 'skipped' } as const;
}

function stepItem(shown: ReturnType<typeof listed>[number]): Markup {
  const { title, skipped: why } = stepWords[shown.step];
  const { tone, word } =
    shown.outcome === 'skipped' ? ({ tone: 'quiet', word: 'Skipped' } as const) : outcomeWords[shown.outcome];
  const detail = 'detail' in shown ? shown.detail : why;
  return html`<li><h3>${title} ${badge(tone, word)}</h3><p>${isolated(detail)}</p></li>`;
}
