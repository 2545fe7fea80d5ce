import { describePlan } from '../../connections-file/describe-plan.ts';
import type { Plan } from '../../connections-file/plan-connections.ts';
import { cleanText } from '../output/clean-text.ts';

/** Lines of a plan for a terminal. Values of the file and of the broker may hold control characters. */
export function planLines(plan: Plan): string[] {
  return describePlan(plan).map((line) => {
    const [indent = ''] = /^ */.exec(line) ?? [];
    return indent + cleanText(line.slice(indent.length));
  });
}
