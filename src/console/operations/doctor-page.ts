import type { CheckResult, CheckState } from '../../doctor/check.ts';
import { html, type Markup } from '../../markup/html.ts';
import { copyable } from '../layout/acts.ts';
import { badge, type Tone } from '../layout/status.ts';

const tones: Readonly<Record<CheckState, Tone>> = { ok: 'good', warning: 'warn', failed: 'bad', skipped: 'quiet' };

/** Order of the counts: what needs a person first. */
const counted: readonly CheckState[] = ['failed', 'warning', 'ok', 'skipped'];

/** Shows the results of the checks: what each found, and what to do. */
export function doctorPage(results: readonly CheckResult[]): Markup {
  const count = (wanted: CheckState) => results.filter(({ state }) => state === wanted).length;
  const faults = count('failed') + count('warning');
  const shown = counted.filter((state) => count(state) > 0);
  return html`<div class="title"><h1>Doctor</h1>
<p class="counts">${shown.map((state) => html`${badge(tones[state], `${count(state)} ${state}`)} `)}</p></div>
<p>${faults === 0 ? 'Nothing is wrong.' : 'Work from the top: one cause often explains the next.'}</p>
<ol class="results">
${results.map(resultItem)}</ol>
<section class="panel" aria-labelledby="of-machine">
<h2 id="of-machine">Checks of the machine</h2>
<p>The console looks at no file, variable or socket of a machine. The command runs the same checks, and these too, on the machine of the service.</p>
${copyable('token-broker doctor')}
</section>`;
}

function resultItem({ name, state, found, next }: CheckResult): Markup {
  return html`<li class="result ${tones[state]}">
<h2>${name} ${badge(tones[state], state)}</h2>
<p class="found">${found}</p>
${next === null ? null : html`<p class="next"><strong>What to do:</strong> ${next}</p>\n`}</li>
`;
}
