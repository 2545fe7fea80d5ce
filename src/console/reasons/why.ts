import type { Caller } from '../../domain/callers/caller.ts';
import type { Flow } from '../../domain/connections/connection.ts';
import type { StatusReason } from '../../domain/grants/grant.ts';
import type { NextAction } from '../../domain/next-action.ts';
import { type CallersGet, callersGet, type Moment } from './callers-get.ts';
import { type Evidence, evidence } from './evidence.ts';
import { type ReasonText, reasonTexts } from './reason-texts.ts';
import { type Situation, situationTexts } from './situation-texts.ts';
import type { ExplainedState } from './state.ts';
import { type Actor, actLabels, actorLabels, actorOf, type Step } from './step.ts';

/** All that the page "Why not ready" says. */
export interface Why {
  /** `status_reason`, or the situation without one. */
  key: StatusReason | Situation;
  title: string;
  cause: string;
  actor: Actor;
  actorLabel: string;
  step: Step & { label: string };
  callersGet: CallersGet;
  evidence: Evidence;
}

/** Explains the state of a connection or of a grant to a caller. */
export function explainWhy(state: ExplainedState, moment: Moment, caller: Pick<Caller, 'permissions'>): Why {
  const get = callersGet(state, moment);
  const key = keyOf(state, get);
  const action = get.kind === 'refusal' ? get.nextAction : state.nextAction;
  const { title, cause, step, actor = actorOf[action] } = wordsOf(key, action);
  return {
    key,
    title,
    cause,
    actor,
    actorLabel: actorLabels[actor],
    step: labelled(step ?? generalStep(action, state.flow, key === 'never_connected')),
    callersGet: get,
    evidence: evidence(state, caller),
  };
}

/** Names the reason, or the situation. A fetch also tells reasons that the grant does not have yet. */
function keyOf(state: ExplainedState, get: CallersGet): Why['key'] {
  if (get.kind === 'refusal' && get.refreshesAreOff) return 'expired_and_refreshes_off';
  if (state.reason !== null) return state.reason;
  if (state.status === 'waiting_callback' || state.status === 'testing') return state.status;
  if (state.grant === null || state.status !== 'completed') return 'never_connected';
  if (get.kind === 'refusal' && get.reason !== null) return get.reason;
  if (get.kind !== 'token') return state.lastError === null ? 'healthy' : 'expired_and_failing';
  if (state.lastError !== null) return 'failing_and_served';
  return state.grant.health === 'unhealthy' ? 'unhealthy' : 'healthy';
}

interface Words {
  title: string;
  cause: string;
  step: Step | null;
  actor?: Actor;
}

function wordsOf(key: Why['key'], action: NextAction): Words {
  if (isSituation(key)) return situationTexts[key];
  const { title, cause, steps }: ReasonText = reasonTexts[key];
  return { title, cause, step: steps[action] ?? null };
}

function isSituation(key: Why['key']): key is Situation {
  return key in situationTexts;
}

/** Returns the step by who must act, for a reason or situation without its own. */
function generalStep(action: NextAction, flow: Flow, isFirst: boolean): Step {
  switch (action) {
    case 'authorize':
      return isFirst
        ? { act: 'connect', text: 'Connect, or share a link with the person whose account it is.' }
        : { act: 'reconnect', text: 'Let the person reconnect.' };
    case 'reconfigure':
      if (flow === 'refresh_token') return { act: 'import', text: 'Import a token set that works.' };
      return flow === 'client_credentials'
        ? { act: 'edit', text: 'Correct the connection. The broker then obtains a token with its own credentials.' }
        : { act: 'edit', text: 'Correct the connection, then reconnect.' };
    case 'wait':
      return { act: 'wait', text: 'Wait: the broker tries again by itself.' };
    case 'none':
      return { act: 'test', text: 'Nothing is to be done. A test calls the provider with the token.' };
  }
}

function labelled(step: Step): Why['step'] {
  return { ...step, label: actLabels[step.act] };
}
