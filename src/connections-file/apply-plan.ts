import { type Plan, planCall, type Step } from './plan-connections.ts';
import type { DeclaredConnection } from './read-connections-file.ts';
import type { Call, ConnectionsTarget, Refusal } from './target.ts';

/** End of one step. `unchanged`: another application of the file has done it meanwhile. */
export type StepResult =
  | { connection_name: string; action: Step['action']; outcome: 'done' | 'unchanged' }
  | { connection_name: string; action: Step['action']; outcome: 'failed'; refusal: Refusal };

/** Problems of a connection that changed since the plan. The step is planned anew. */
const movedCodes: readonly string[] = ['precondition_failed', 'connection_exists', 'connection_not_found'];

/** Attempts of one step. Each needs another writer that changes the same connection in between. */
const maxAttempts = 5;

export interface ApplyOptions {
  onResult?: (result: StepResult) => void;
  /** Whether a step is planned anew if its connection has changed since. False: it fails, as it is not what was read. */
  plansAnew?: boolean;
}

/**
 * Carries out a plan, one transaction a connection, and goes on after a refusal. Interrupted at any point, a new plan
 * continues where it ended. Grants are disconnected and workflows disabled only if the plan said so.
 */
export async function applyPlan(
  target: ConnectionsTarget,
  plan: Plan,
  declared: readonly DeclaredConnection[],
  { onResult = () => {}, plansAnew = true }: ApplyOptions = {},
): Promise<StepResult[]> {
  const declaredOf = new Map(declared.map((connection) => [connection.name, connection]));
  const results: StepResult[] = [];
  for (const step of plan.steps) {
    const body = { ...declaredOf.get(step.connection_name)?.fields, managed_by: plan.managed_by };
    const result = await applyStep(target, step, body, plansAnew);
    results.push(result);
    onResult(result);
  }
  return results;
}

async function applyStep(
  target: ConnectionsTarget,
  planned: Step,
  body: Record<string, unknown>,
  plansAnew: boolean,
): Promise<StepResult> {
  const { connection_name, action } = planned;
  let step = planned;
  let refusal: Refusal | null = null;
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    ({ refusal } = await target.perform(callOf(step, body), step.etag, isEnding(step)));
    if (refusal === null) return { connection_name, action, outcome: 'done' };
    if (!movedCodes.includes(refusal.code)) break;
    const anew = await planCall(target, callOf(step, body));
    if ('refusal' in anew) return { connection_name, action, outcome: 'failed', refusal: anew.refusal };
    if (anew.step === null) return { connection_name, action, outcome: 'unchanged' };
    if (!plansAnew || endsMore(anew.step, planned) || anew.step.action === 'delete') break;
    step = anew.step;
  }
  return { connection_name, action, outcome: 'failed', refusal: refusal ?? noAttempt };
}

const noAttempt: Refusal = { code: 'internal_error', message: 'The step was not attempted.', errors: [] };

function callOf({ action, connection_name: name }: Step, body: Record<string, unknown>): Call {
  return action === 'delete' ? { action, name } : { action, name, body };
}

/** Tells whether the call needs a confirmation. Without one, the API refuses a call that has come to end something. */
function isEnding({ action, effects }: Step): boolean {
  return action === 'delete' ? effects.workflows_disabled > 0 : effects.grants_disconnected > 0;
}

/** Tells whether a step has come to end more than the plan said. The reader of the plan has not agreed to that. */
function endsMore({ effects: now }: Step, { effects: said }: Step): boolean {
  return now.grants_disconnected > said.grants_disconnected || now.workflows_disabled > said.workflows_disabled;
}
