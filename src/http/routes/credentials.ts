import type { FastifyInstance } from 'fastify';
import type { GetCredential } from '../../broker/get-credential.ts';
import type { RenewCredential } from '../../broker/renew-credential.ts';
import * as routes from '../contract/credentials.ts';
import { mount } from '../mount.ts';
import { fromCredential } from '../schemas/credential.ts';

export interface CredentialUseCases {
  getCredential: GetCredential;
  renewCredential: RenewCredential;
}

export function credentialRoutes(app: FastifyInstance, useCases: CredentialUseCases): void {
  mount(app, routes.getCredential, async ({ actor, params, query, headers }) => {
    const workflowId = headers['X-Workflow-Id'];
    return fromCredential(
      await useCases.getCredential(actor, {
        connectionName: params.name,
        subject: query.subject,
        accountId: query.account_id,
        minTtlSeconds: query.min_ttl,
        requiredScopes: query.scopes,
        workflow: workflowId === undefined ? null : { id: workflowId, name: headers['X-Workflow-Name'] ?? null },
      }),
    );
  });

  mount(app, routes.renewCredential, async ({ actor, params, body }) =>
    fromCredential(
      await useCases.renewCredential(actor, {
        connectionName: params.name,
        rejectedToken: body.rejected_token,
        subject: body.subject ?? null,
        accountId: body.account_id ?? null,
      }),
    ),
  );
}
