import { describePlan } from '../../connections-file/describe-plan.ts';
import type { Plan } from '../../connections-file/plan-connections.ts';
import { cleanText } from '../output/clean-text.ts';
import type { Format, Style } from '../output/style.ts';

/** Colours of the first character of a line. */
const formats: Readonly<Record<string, Format>> = { '!': 'red', '+': 'green', '~': 'yellow', '-': 'red' };

/** Lines of a plan for a terminal. Values of the file and of the broker may hold control characters. */
export function planLines(plan: Plan, style: Style): string[] {
  return describePlan(plan).map((line) => {
    const [indent = ''] = /^ */.exec(line) ?? [];
    const text = indent + cleanText(line.slice(indent.length));
    const format = formats[text.charAt(0)];
    return format === undefined ? text : style(format, text);
  });
}
