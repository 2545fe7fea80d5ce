import type { FastifyInstance } from 'fastify';
import type { GetCredential } from '../../broker/get-credential.ts';
import type { RenewCredential } from '../../broker/renew-credential.ts';
import * as routes from '../contract/credentials.ts';
import { mount } from '../mount.ts';
import { createWriteCredential, jsonMediaType } from '../written-credential.ts';

export interface CredentialUseCases {
  getCredential: GetCredential;
  renewCredential: RenewCredential;
}

export function credentialRoutes(app: FastifyInstance, useCases: CredentialUseCases): void {
  const writeCredential = createWriteCredential();

  mount(app, routes.getCredential, ({ actor, params, query, headers }, reply) => {
    const workflowId = headers['X-Workflow-Id'];
    const found = useCases.getCredential(actor, {
      connectionName: params.name,
      subject: query.subject,
      accountId: query.account_id,
      minTtlSeconds: query.min_ttl,
      requiredScopes: query.scopes,
      workflow: workflowId === undefined ? null : { id: workflowId, name: headers['X-Workflow-Name'] ?? null },
    });
    reply.type(jsonMediaType);
    return found instanceof Promise ? found.then(writeCredential) : writeCredential(found);
  });

  mount(app, routes.renewCredential, async ({ actor, params, body }, reply) => {
    const renewed = await useCases.renewCredential(actor, {
      connectionName: params.name,
      rejectedToken: body.rejected_token,
      subject: body.subject ?? null,
      accountId: body.account_id ?? null,
    });
    reply.type(jsonMediaType);
    return writeCredential(renewed);
  });
}
