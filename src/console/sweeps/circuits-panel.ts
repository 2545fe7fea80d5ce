import type { InstallationAttention } from '../../broker/administration/overview/read-attention.ts';
import type { EndpointCircuit } from '../../domain/ports/oauth.ts';
import { html, type Markup } from '../../markup/html.ts';
import { counted } from '../layout/numbers.ts';
import { isolated } from '../layout/owner.ts';
import { badge } from '../layout/status.ts';
import { table } from '../layout/table.ts';
import { when } from '../layout/time.ts';

/** Lists circuits that hold calls back, with the time to their next trial call. */
export function circuitsPanel(installation: InstallationAttention | null, now: Date): Markup {
  const { circuits, circuitCount } = installation ?? { circuits: [], circuitCount: 0 };
  const columns = [
    { label: 'Token endpoint', cell: ({ endpoint }: EndpointCircuit) => isolated(endpoint) },
    { label: 'State', cell: ({ state }: EndpointCircuit) => stateBadge(state) },
    { label: 'Since', cell: ({ since }: EndpointCircuit) => when(since, now) },
    { label: 'Half-open', cell: (circuit: EndpointCircuit) => halfOpen(circuit, now) },
  ];
  const more = circuitCount - circuits.length;
  return html`<section aria-labelledby="circuits" class="part"><h2 id="circuits">Circuits</h2>
${table(columns, circuits, {
  caption: 'Circuits that are not closed',
  empty: html`<p>Every circuit of this process is closed.</p>`,
})}
${more > 0 ? html`<p class="help">${counted({ count: more, isComplete: true }, 'further circuit is', 'further circuits are')} not closed.</p>` : null}
${circuits.length > 0 ? html`<p class="help">A circuit opens when a token endpoint fails for several organisations. This process shows its own circuits.</p>` : null}
</section>`;
}

function stateBadge(state: EndpointCircuit['state']): Markup {
  return state === 'open' ? badge('bad', 'Open') : badge('warn', 'Half-open');
}

/** The first call after the pause is the trial: an endpoint without calls stays open. */
function halfOpen({ state, retryAt }: EndpointCircuit, now: Date): Markup | string {
  if (state === 'half_open') return 'now';
  return retryAt === null || retryAt <= now ? 'with the next call' : when(retryAt, now);
}
