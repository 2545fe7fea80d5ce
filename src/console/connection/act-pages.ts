import { plainStart, type StartAuthorization } from '../../broker/authorizations/start-authorization.ts';
import type { RefreshOnDemand } from '../../broker/grants/refresh-on-demand.ts';
import type { TestConnection, TestReport } from '../../broker/grants/test-connection.ts';
import { accessOf } from '../../domain/callers/access.ts';
import { connectionPage } from '../../domain/console/console-pages.ts';
import { isBrokerError } from '../../domain/errors.ts';
import { html, type Markup } from '../../markup/html.ts';
import { notice } from '../layout/notices.ts';
import { isolated } from '../layout/owner.ts';
import type { Tone } from '../layout/status.ts';
import { exactTime, relativeTime } from '../layout/time.ts';
import type { Pages } from '../server/page-route.ts';
import { connectionAnswer } from './frame-of-connection.ts';
import {
  type ConnectionPagesSettings,
  nameParams,
  placeQuery,
  type ReadShownUseCases,
  readShown,
  returnUrlOf,
} from './shown.ts';
import { stateTab } from './state-tab.ts';

export interface ConnectionActUseCases extends ReadShownUseCases {
  startAuthorization: StartAuthorization;
  testConnection: TestConnection;
  refreshOnDemand: RefreshOnDemand;
}

/** The grant without a person. The pages of grants act on any other. */
const unnamed = { subject: null, accountId: null };

/** Refusals that say something about the connection. They are shown on its page. */
const refusals = [
  'connection_not_ready',
  'provider_unavailable',
  'grant_not_found',
  'not_refreshable',
  'account_ambiguous',
  'rate_limited',
] as const;

export function actPages(pages: Pages, useCases: ConnectionActUseCases, settings: ConnectionPagesSettings): void {
  const common = { method: 'POST', params: nameParams, query: placeQuery } as const;

  pages.mount(
    { ...common, path: '/connections/{name}/connect', access: accessOf.startAuthorization },
    async (visit, { params }) => {
      const { name } = params;
      const place = { name, organizationId: visit.actor.organizationId };
      const { authorizationUrl } = await useCases.startAuthorization(visit.actor, name, {
        ...plainStart,
        returnUrl: returnUrlOf(visit, place),
      });
      return {
        title: `Connect ${name}`,
        section: 'connections',
        refreshTo: authorizationUrl,
        body: html`<h1>Connect ${isolated(name)}</h1>
<p>The browser goes on to the provider. If it does not, use the button.</p>
<div class="act-row"><a class="button" href="${authorizationUrl}" rel="noreferrer">Go to the provider</a></div>
<p class="soft">The provider sends you back to the page of the connection.</p>
<p><a href="${visit.href(connectionPage(place))}">The page of the connection</a></p>`,
      };
    },
  );

  pages.mount(
    { ...common, path: '/connections/{name}/test', access: accessOf.testConnection },
    async (visit, { params }) => {
      const result = await told('Not tested', async () => {
        const report = await useCases.testConnection(visit.actor, params.name, unnamed);
        return notice(toneOfTest[report.testResult], testWords(report));
      });
      const shown = await readShown(useCases, settings, visit, params.name);
      return connectionAnswer({ shown, tab: undefined, result, body: stateTab(shown), isLive: true });
    },
  );

  pages.mount(
    { ...common, path: '/connections/{name}/refresh', access: accessOf.refreshGrant },
    async (visit, { params }) => {
      const result = await told('Not refreshed', async () => {
        const { metadata, lastRefreshAt } = await useCases.refreshOnDemand(visit.actor, params.name, unnamed);
        const ends = metadata?.expiresAt ?? null;
        const end = ends === null ? 'Its end is not known.' : `It ends ${relativeTime(ends, visit.now)}.`;
        return notice(
          'good',
          html`<strong>Refreshed.</strong> There is a new access token. ${end} ${timeOf(lastRefreshAt ?? visit.now)}`,
        );
      });
      const shown = await readShown(useCases, settings, visit, params.name);
      return connectionAnswer({ shown, tab: undefined, result, body: stateTab(shown), isLive: true });
    },
  );
}

/** Runs an act. A refusal becomes its result, anything else is thrown on. */
async function told(refused: string, run: () => Promise<Markup>): Promise<Markup> {
  try {
    return await run();
  } catch (error) {
    if (!isBrokerError(error) || !refusals.some((code) => isBrokerError(error, code))) throw error;
    return notice('bad', html`<strong>${refused}.</strong> ${error.message} <code>${error.code}</code>`);
  }
}

const toneOfTest: Record<TestReport['testResult'], Tone> = { success: 'good', failed: 'bad', skipped: 'warn' };
const titleOfTest: Record<TestReport['testResult'], string> = {
  success: 'The test succeeded.',
  failed: 'The test failed.',
  skipped: 'The test was skipped.',
};

function testWords({ testResult, message, responseTimeMs, testedAt }: TestReport): Markup {
  const duration = testResult === 'skipped' ? '' : `Response time: ${responseTimeMs} ms. `;
  return html`<strong>${titleOfTest[testResult]}</strong> ${message} ${duration}${timeOf(testedAt)}`;
}

/** A result stays on the page, so its time is exact and not relative. */
function timeOf(at: Date): Markup {
  return html`<time datetime="${at.toISOString()}">${exactTime(at)}</time>`;
}
