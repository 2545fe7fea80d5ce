import { z } from 'zod';
import type { ListAuditEvents } from '../../broker/administration/list-audit-events.ts';
import type { ListApiKeys } from '../../broker/callers/list-api-keys.ts';
import type { GetConnection } from '../../broker/connections/read-connections.ts';
import type { DeleteGrant } from '../../broker/grants/delete-grant.ts';
import type { GetGrant } from '../../broker/grants/get-grant.ts';
import type { GrantView } from '../../broker/grants/grant-view.ts';
import type { ListGrants } from '../../broker/grants/list-grants.ts';
import type { RevokeGrants } from '../../broker/grants/revoke-grants.ts';
import { accessOf } from '../../domain/callers/access.ts';
import type { Connection } from '../../domain/connections/connection.ts';
import { connectionPage, grantPage } from '../../domain/console/console-pages.ts';
import { html, type Markup } from '../../markup/html.ts';
import { readActorNames } from '../audit/actor-names.ts';
import { connectionParams, organizationQuery } from '../editing/own-connection.ts';
import { notice } from '../layout/notices.ts';
import { optionalText } from '../server/forms.ts';
import type { PageAnswer, Pages } from '../server/page-route.ts';
import type { OrganizationVisit } from '../server/visit.ts';
import { deleteGrantPage } from './delete-grant-page.ts';
import type { Templates } from './delete-pages.ts';
import { readRecentFetches } from './recent-fetches.ts';
import { type EndingGrant, maxReason, placeOf, revokePage } from './revoke-page.ts';

export interface GrantEndingUseCases {
  getConnection: GetConnection;
  getGrant: GetGrant;
  listGrants: ListGrants;
  revokeGrants: RevokeGrants;
  deleteGrant: DeleteGrant;
  listAuditEvents: ListAuditEvents;
  listApiKeys: ListApiKeys;
}

const params = connectionParams.extend({ grant_id: z.string().max(100) });
const typed = z.string().max(500).default('');
/** Grants of one subject that the page looks for. */
const maxGrants = 200;

export function grantEndingPages(pages: Pages, useCases: GrantEndingUseCases, templates: Templates): void {
  const base = '/connections/{name}/grants/{grant_id}';
  const query = organizationQuery.extend({ done: optionalText });
  const read = (visit: OrganizationVisit, { name, grant_id }: z.output<typeof params>) =>
    readEnding(useCases, templates, visit, name, grant_id);

  const revoke = { path: `${base}/revoke`, access: accessOf.revokeGrants, params } as const;
  pages.mount({ ...revoke, method: 'GET', query }, async (visit, { params, query }) =>
    page('Revoke', revokePage({ ...(await read(visit, params)), done: resultOf(query.done) })),
  );

  const revocation = z.object({ reason: z.string().trim().default(''), accounts: z.string().optional(), typed });
  pages.mount(
    { ...revoke, method: 'POST', query: organizationQuery, form: revocation },
    async (visit, { params, form }) => {
      const ending = await read(visit, params);
      const { connection, grant } = ending;
      const faults = {
        ...(isUntyped(visit, connection, form.typed) && { typedFault: 'is not the name: nothing was revoked' }),
        ...(form.reason.length > maxReason && { reasonFault: `must have at most ${maxReason} characters` }),
      };
      if (Object.keys(faults).length > 0)
        return page('Revoke', revokePage({ ...ending, sent: { reason: form.reason, ...faults } }), 400);
      const revoked = await useCases.revokeGrants(visit.actor, connection.name, {
        subject: grant.subject,
        accountId: form.accounts === 'all' ? null : grant.accountId,
        reason: form.reason === '' ? null : form.reason,
      });
      const confirmed = revoked.filter(({ revokedAtProvider }) => revokedAtProvider).length;
      const result = confirmed === 0 ? 'local' : confirmed === revoked.length ? 'confirmed' : 'partly';
      return { seeOther: `${grantPage(placeOf(connection, visit, grant), 'revoke')}&done=${result}` };
    },
  );

  const deletion = { path: `${base}/delete`, access: accessOf.deleteGrant, params } as const;
  pages.mount({ ...deletion, method: 'GET', query: organizationQuery }, async (visit, { params }) =>
    page('Delete a grant', deleteGrantPage(await read(visit, params))),
  );
  pages.mount(
    { ...deletion, method: 'POST', query: organizationQuery, form: z.object({ typed }) },
    async (visit, { params, form }) => {
      const ending = await read(visit, params);
      const { connection, grant } = ending;
      if (isUntyped(visit, connection, form.typed)) {
        const sent = { reason: '', typedFault: 'is not the name: nothing was deleted' };
        return page('Delete a grant', deleteGrantPage({ ...ending, sent }), 400);
      }
      await useCases.deleteGrant(visit.actor, connection.name, grant.id);
      const place = { name: connection.name, organizationId: visit.actor.organizationId };
      return { seeOther: `${connectionPage(place, 'grants')}&done=grant_deleted` };
    },
  );
}

const page = (title: string, body: Markup, status = 200): PageAnswer => ({ title, section: 'grants', body, status });

/** A grant of the global scope can serve every organisation, so its end needs the name of the connection. */
function isUntyped({ actor }: OrganizationVisit, { name }: Connection, text: string): boolean {
  return actor.organizationId === null && text.trim() !== name;
}

/** Words for the result of a revocation. Its code stands in the address, so only these texts can be shown. */
function resultOf(code: string | undefined): Markup | null {
  if (code === 'confirmed') return notice('good', 'Revoked here, and the provider confirmed it.');
  if (code === 'partly') {
    return notice(
      'warn',
      'Revoked here. The provider confirmed some of the grants: the broker repeats the others until the provider answers.',
    );
  }
  if (code !== 'local') return null;
  return notice(
    'warn',
    html`Revoked here: no caller gets the tokens any more. The provider has not confirmed it. If it has a revocation endpoint, the broker repeats the call. Otherwise the person must remove the access there.`,
  );
}

async function readEnding(
  useCases: GrantEndingUseCases,
  templates: Templates,
  visit: OrganizationVisit,
  name: string,
  grantId: string,
): Promise<EndingGrant> {
  const grant = await useCases.getGrant(visit.actor, name, grantId);
  const { connection } = await useCases.getConnection(visit.actor, name);
  const fetched = { connectionName: name, connectionId: connection.id, grantId: grant.id };
  const [fetches, names, ofSubject] = await Promise.all([
    readRecentFetches(useCases.listAuditEvents, visit, fetched),
    readActorNames(useCases.listApiKeys, visit),
    readOfSubject(useCases.listGrants, visit, name, grant),
  ]);
  const template = templates.find(connection.settings.provider);
  return { visit, connection, grant, template, fetches, names, ofSubject };
}

/** Lists the grants of the same subject that are not revoked: a multi_account connection can have several. */
async function readOfSubject(
  listGrants: ListGrants,
  { actor }: OrganizationVisit,
  name: string,
  { subject }: GrantView,
): Promise<GrantView[]> {
  const { grants } = await listGrants(actor, name, { limit: maxGrants, ...(subject !== null && { subject }) });
  return grants.filter((grant) => grant.subject === subject && grant.revokedAt === null);
}
