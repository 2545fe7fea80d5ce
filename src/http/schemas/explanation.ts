import { z } from 'zod';
import type { Explanation } from '../../broker/credentials/explain-credential.ts';
import { stepNames, stepOutcomes } from '../../broker/credentials/explained-steps.ts';
import { nextActions } from '../../domain/next-action.ts';
import { nextActionOfRefusal } from '../../domain/next-action-of-refusal.ts';
import { problems } from '../problem.ts';

export const explanation = z
  .object({
    steps: z
      .array(
        z.object({
          step: z
            .enum(stepNames)
            .describe(
              'permission: credentials:read of this caller. workflow: the one of X-Workflow-Id. name_pattern: connections that the caller’s key covers. connection: own or global. grant: subject and account. scopes: those of the query. token: the stored one. refresh: whether the fetch starts one, and whether it may.',
            ),
          outcome: z
            .enum(stepOutcomes)
            .describe(
              'passed: the fetch goes on. refused: the fetch ends with a problem. insufficient: the stored token does not satisfy the request, and the step refresh tells whether a refresh helps. refresh: the fetch waits for a refresh.',
            ),
          detail: z.string().describe('What was found, for a person. Its wording may change.'),
        }),
      )
      .describe('Steps in the order of the fetch. A step that does not apply is absent.'),
    answer: z
      .object({
        status: z.int().describe('Status of the fetch.'),
        code: z.string().nullable().describe('Code of its problem; null if a token is served.'),
        next_action: z.enum(nextActions).describe('The next_action of its answer: who must act.'),
      })
      .describe('What the fetch answers. After a step with the outcome refresh: what it answers if the refresh works.'),
  })
  .meta({ id: 'Explanation' });

export function fromExplanation({ steps, refusal, nextAction }: Explanation): z.input<typeof explanation> {
  if (refusal === null) return { steps, answer: { status: 200, code: null, next_action: nextAction } };
  const { status } = problems[refusal.code];
  return { steps, answer: { status, code: refusal.code, next_action: nextActionOfRefusal(refusal) ?? 'none' } };
}
