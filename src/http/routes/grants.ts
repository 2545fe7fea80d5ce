import type { FastifyInstance } from 'fastify';
import type { DeleteGrant } from '../../broker/delete-grant.ts';
import type { ForceRefresh } from '../../broker/force-refresh.ts';
import type { ImportGrant } from '../../broker/import-grant.ts';
import type { ListGrants } from '../../broker/list-grants.ts';
import type { RevokeGrants } from '../../broker/revoke-grants.ts';
import type { TestConnection } from '../../broker/test-connection.ts';
import { BrokerError } from '../../domain/errors.ts';
import * as routes from '../contract/grants.ts';
import { mount } from '../mount.ts';
import { toGrantSummary, toImportedTokens, toSelector } from '../schemas/grant.ts';

export interface GrantUseCases {
  listGrants: ListGrants;
  importGrant: ImportGrant;
  deleteGrant: DeleteGrant;
  forceRefresh: ForceRefresh;
  testConnection: TestConnection;
  revokeGrants: RevokeGrants;
}

const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function grantRoutes(app: FastifyInstance, useCases: GrantUseCases, clock: () => Date): void {
  mount(app, routes.listGrants, async ({ actor, params }) => ({
    grants: (await useCases.listGrants(actor, params.name)).map(toGrantSummary),
  }));

  mount(app, routes.importGrant, async ({ actor, params, body }) =>
    toGrantSummary(await useCases.importGrant(actor, params.name, toImportedTokens(body, clock()))),
  );

  mount(app, routes.deleteGrant, async ({ actor, params }) => {
    if (!uuidPattern.test(params.grant_id)) throw BrokerError.of('grant_not_found', 'There is no such grant.');
    await useCases.deleteGrant(actor, params.name, params.grant_id);
  });

  mount(app, routes.refreshGrant, async ({ actor, params, body }) =>
    toGrantSummary(await useCases.forceRefresh(actor, params.name, toSelector(body))),
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
