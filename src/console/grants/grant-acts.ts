import { plainStart, type StartAuthorization } from '../../broker/authorizations/start-authorization.ts';
import type { RefreshOnDemand } from '../../broker/grants/refresh-on-demand.ts';
import type { TestConnection } from '../../broker/grants/test-connection.ts';
import { accessOf } from '../../domain/callers/access.ts';
import { type GrantPlace, grantPage } from '../../domain/console/console-pages.ts';
import { type BrokerErrorCode, isBrokerError } from '../../domain/errors.ts';
import { html, type Markup } from '../../markup/html.ts';
import { notice } from '../layout/notices.ts';
import { isolated } from '../layout/owner.ts';
import type { Tone } from '../layout/status.ts';
import type { Pages } from '../server/page-route.ts';
import type { OrganizationVisit } from '../server/visit.ts';
import { grantName } from './grant-name.ts';
import { grantParams } from './grant-params.ts';
import type { FoundGrant, ReadGrantUseCases } from './read-grant.ts';

export interface GrantActUseCases extends ReadGrantUseCases {
  refreshOnDemand: RefreshOnDemand;
  testConnection: TestConnection;
  startAuthorization: StartAuthorization;
}

const messages = {
  refreshed: ['good', 'Refreshed: a new token is stored.'],
  test_success: ['good', 'The provider accepted the token.'],
  test_failed: ['bad', 'The token does not work. The warning below has the reason.'],
  test_skipped: ['quiet', 'Nothing was called: no test URL is known.'],
  not_refreshable: ['bad', 'There is nothing to refresh this grant with.'],
  connection_not_ready: ['bad', 'The grant does not work. The state below has the reason.'],
  provider_unavailable: ['warn', 'The provider cannot be used at the moment. The state below has the reason.'],
  rate_limited: ['warn', 'Too many refreshes of this grant in a minute. Try again later.'],
} as const satisfies Record<string, readonly [Tone, string]>;
type Code = keyof typeof messages;

/** Shows what an act has done. Its code stands in the address, so only these texts can be shown. */
export function doneMessage(code: string | undefined): Markup | null {
  if (code === undefined || !Object.hasOwn(messages, code)) return null;
  const [tone, text] = messages[code as Code];
  return notice(tone, text);
}

/** Mounts the targets of the forms. They act on the one grant: its subject and its account select it. */
export function grantActs(pages: Pages, useCases: GrantActUseCases): void {
  const base = '/connections/{name}/grants/{grant_id}';
  const { refreshOnDemand, testConnection, startAuthorization } = useCases;

  pages.mount(
    { method: 'POST', path: `${base}/refresh`, access: accessOf.refreshGrant, params: grantParams },
    async (visit, { params }) => {
      const found = await readActed(useCases, visit, params);
      const code = await codeOf(async () => {
        await refreshOnDemand(visit.actor, params.name, found.grant);
        return 'refreshed';
      });
      return backTo(found, code);
    },
  );

  pages.mount(
    { method: 'POST', path: `${base}/test`, access: accessOf.testConnection, params: grantParams },
    async (visit, { params }) => {
      const found = await readActed(useCases, visit, params);
      const code = await codeOf(async () => {
        const { testResult } = await testConnection(visit.actor, params.name, found.grant);
        return `test_${testResult}`;
      });
      return backTo(found, code);
    },
  );

  pages.mount(
    { method: 'POST', path: `${base}/reconnect`, access: accessOf.startAuthorization, params: grantParams },
    async (visit, { params }) => {
      const { grant, connection } = await readActed(useCases, visit, params);
      const page = grantPage(placeOf({ grant, connection }));
      const { authorizationUrl } = await startAuthorization(visit.actor, params.name, {
        ...plainStart,
        subject: grant.subject,
        accountId: connection.settings.multiAccount ? grant.accountId : null,
        returnUrl: `${visit.baseUrl}${page}`,
      });
      return {
        title: 'Reconnect',
        section: 'grants',
        refreshTo: authorizationUrl,
        body: html`<div class="title"><h1>Reconnect ${isolated(grantName(grant))}</h1></div>
<section class="panel"><p>The browser goes on to the provider. If it does not, use the button.</p>
<div class="act-row"><a class="button" href="${authorizationUrl}" rel="noreferrer">Go to the provider</a></div>
<p class="soft">The provider sends you back to the page of the grant.</p></section>`,
      };
    },
  );
}

/** Reads the grant of a form. Refuses one that a call by name would not find: the call would act on another grant. */
async function readActed(
  useCases: GrantActUseCases,
  { actor }: OrganizationVisit,
  { name, grant_id }: { name: string; grant_id: string },
): Promise<Acted> {
  const grant = await useCases.getGrant(actor, name, grant_id);
  const { connection } = await useCases.getConnection(actor, name);
  return { grant, connection };
}

/** Codes of refusals that the page of the grant explains. Any other refusal has a page of its own. */
const explainedCodes: readonly BrokerErrorCode[] = [
  'not_refreshable',
  'connection_not_ready',
  'provider_unavailable',
  'rate_limited',
] satisfies Code[];

async function codeOf(run: () => Promise<Code>): Promise<Code> {
  try {
    return await run();
  } catch (error) {
    if (!isBrokerError(error) || !explainedCodes.includes(error.code)) throw error;
    return error.code as Code;
  }
}

type Acted = Pick<FoundGrant, 'grant' | 'connection'>;

function placeOf({ grant, connection }: Acted): GrantPlace {
  return { connectionName: connection.name, organizationId: grant.organizationId, grantId: grant.id };
}

function backTo(acted: Acted, code: Code) {
  return { seeOther: `${grantPage(placeOf(acted))}&done=${code}` };
}
