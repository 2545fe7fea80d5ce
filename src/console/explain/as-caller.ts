import type { ExplainCredential, Explanation } from '../../broker/credentials/explain-credential.ts';
import type { ExplainedStep, StepName } from '../../broker/credentials/explained-steps.ts';
import type { CredentialRequest } from '../../broker/credentials/get-credential.ts';
import { type ApiKey, callerOfKey, isActive } from '../../domain/callers/api-key.ts';
import { type Actor, canReach } from '../../domain/callers/caller.ts';
import { BrokerError } from '../../domain/errors.ts';

/** A step that only the authentication of a request has. */
export type KeyStepName = 'api_key' | 'organization';
export type ShownStep = Omit<ExplainedStep, 'step'> & { step: StepName | KeyStepName };

/** An explanation for a caller, with the checks that come before the fetch itself. */
export interface ExplainedFetch extends Omit<Explanation, 'steps'> {
  steps: ShownStep[];
}

/** Explains a fetch by the visitor's own session. */
export async function explainAsSession(
  explain: ExplainCredential,
  visitor: Actor,
  request: CredentialRequest,
): Promise<ExplainedFetch> {
  return explain(visitor, request);
}

/**
 * Explains a fetch by another key. The key decides what the fetch may do, and nothing of what the visitor sees: the page
 * tells facts of the visitor's organisation alone, which the visitor may read.
 */
export async function explainAsKey(
  explain: ExplainCredential,
  visitor: Actor,
  key: ApiKey,
  request: CredentialRequest,
  now: Date,
): Promise<ExplainedFetch> {
  const { organizationId } = visitor;
  const caller = callerOfKey(key);
  const checks = [keyStep(key, now), organizationStep(caller, organizationId)];
  const { steps, refusal, nextAction } = await explain({ ...visitor, caller }, request);
  const first = checks.find(({ refusal }) => refusal !== null)?.refusal ?? null;
  return {
    steps: [...checks.map(({ step }) => step), ...steps],
    refusal: first ?? refusal,
    nextAction,
  };
}

interface Check {
  step: ShownStep;
  refusal: BrokerError | null;
}

function keyStep(key: ApiKey, now: Date): Check {
  if (isActive(key, now)) {
    return { step: { step: 'api_key', outcome: 'passed', detail: `The key ${key.name} is valid.` }, refusal: null };
  }
  const end =
    key.revokedAt === null
      ? `The key ${key.name} has expired.`
      : `The key ${key.name} is revoked since ${key.revokedAt.toISOString()}.`;
  return {
    step: { step: 'api_key', outcome: 'refused', detail: end },
    refusal: BrokerError.of('unauthorized', end),
  };
}

function organizationStep(caller: ReturnType<typeof callerOfKey>, organizationId: Actor['organizationId']): Check {
  const scope = organizationId === null ? 'the global scope' : `the organization ${organizationId}`;
  if (canReach(caller, organizationId)) {
    const detail = `The key may act for ${scope}.`;
    return { step: { step: 'organization', outcome: 'passed', detail }, refusal: null };
  }
  const detail = `The key may not act for ${scope}.`;
  return { step: { step: 'organization', outcome: 'refused', detail }, refusal: BrokerError.of('forbidden', detail) };
}
