import type { FastifyInstance } from 'fastify';
import type { DeleteGrant } from '../../broker/grants/delete-grant.ts';
import type { GetGrant } from '../../broker/grants/get-grant.ts';
import type { GrantView } from '../../broker/grants/grant-view.ts';
import type { ImportGrant } from '../../broker/grants/import-grant.ts';
import type { ListGrants } from '../../broker/grants/list-grants.ts';
import type { RefreshOnDemand } from '../../broker/grants/refresh-on-demand.ts';
import type { RevokeGrants } from '../../broker/grants/revoke-grants.ts';
import type { TestConnection } from '../../broker/grants/test-connection.ts';
import type { Actor } from '../../domain/callers/caller.ts';
import { BrokerError } from '../../domain/errors.ts';
import * as routes from '../contract/grants.ts';
import { mount } from '../mount.ts';
import { withoutAddressFault } from '../schemas/grant-state.ts';
import { toGrantSummary, toImportedTokens, toSelector } from '../schemas/grants.ts';

export interface GrantUseCases {
  listGrants: ListGrants;
  getGrant: GetGrant;
  importGrant: ImportGrant;
  deleteGrant: DeleteGrant;
  refreshOnDemand: RefreshOnDemand;
  testConnection: TestConnection;
  revokeGrants: RevokeGrants;
}

const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function summaryFor({ caller }: Actor, grant: GrantView) {
  return withoutAddressFault(toGrantSummary(grant), caller);
}

export function grantRoutes(app: FastifyInstance, useCases: GrantUseCases, clock: () => Date): void {
  mount(app, routes.listGrants, async ({ actor, params, query }) => {
    const { status, subject, q, cursor, limit } = query;
    const page = await useCases.listGrants(actor, params.name, {
      limit,
      ...(status === undefined ? {} : { status }),
      ...(subject ? { subject } : {}),
      ...(q ? { q } : {}),
      ...(cursor ? { cursor } : {}),
    });
    return { grants: page.grants.map((grant) => summaryFor(actor, grant)), next_cursor: page.nextCursor };
  });

  mount(app, routes.getGrant, async ({ actor, params }) =>
    summaryFor(actor, await useCases.getGrant(actor, params.name, params.grant_id)),
  );

  mount(app, routes.importGrant, async ({ actor, params, body }) =>
    summaryFor(actor, await useCases.importGrant(actor, params.name, toImportedTokens(body, clock()))),
  );

  mount(app, routes.deleteGrant, async ({ actor, params }) => {
    if (!uuidPattern.test(params.grant_id)) throw BrokerError.of('grant_not_found', 'There is no such grant.');
    await useCases.deleteGrant(actor, params.name, params.grant_id);
  });

  mount(app, routes.refreshGrant, async ({ actor, params, body }) =>
    summaryFor(actor, await useCases.refreshOnDemand(actor, params.name, toSelector(body))),
  );

  mount(app, routes.testConnection, async ({ actor, params, body }) => {
    const report = await useCases.testConnection(actor, params.name, toSelector(body));
    return {
      test_result: report.testResult,
      message: report.message,
      tested_at: report.testedAt.toISOString(),
      response_time_ms: report.responseTimeMs,
    };
  });

  mount(app, routes.revokeGrants, async ({ actor, params, body }) => {
    const revoked = await useCases.revokeGrants(actor, params.name, {
      ...toSelector(body),
      reason: body.reason ?? null,
    });
    return {
      revoked: revoked.map((grant) => ({
        grant_id: grant.grantId,
        subject: grant.subject,
        account_id: grant.accountId,
        revoked_at_provider: grant.revokedAtProvider,
      })),
    };
  });
}
