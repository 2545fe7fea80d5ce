import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';
import type { ExplainCredential } from '../../broker/credentials/explain-credential.ts';
import type { CredentialRequest, GetCredential } from '../../broker/credentials/get-credential.ts';
import type { RenewCredential } from '../../broker/credentials/renew-credential.ts';
import * as routes from '../contract/credentials.ts';
import { mount } from '../mount.ts';
import { type credentialQuery, fromCredential } from '../schemas/credentials.ts';
import { fromExplanation } from '../schemas/explanation.ts';
import { toWorkflow, type workflowHeaders } from '../schemas/workflows.ts';
import { createWriteCredential, jsonMediaType } from '../written-credential.ts';

export interface CredentialUseCases {
  explainCredential: ExplainCredential;
  getCredential: GetCredential;
  renewCredential: RenewCredential;
}

export function credentialRoutes(app: FastifyInstance, useCases: CredentialUseCases): void {
  const writeCredential = createWriteCredential();

  mount(app, routes.getCredential, async ({ actor, params, query, headers }, reply) => {
    const found = await useCases.getCredential(actor, toRequest(params.name, query, headers));
    reply.type(jsonMediaType);
    return writeCredential(found);
  });

  mount(app, routes.explainCredential, async ({ actor, params, query, headers }) =>
    fromExplanation(await useCases.explainCredential(actor, toRequest(params.name, query, headers))),
  );

  mount(app, routes.renewCredential, async ({ actor, params, body, headers }) => {
    const { credential, renewed } = await useCases.renewCredential(actor, {
      connectionName: params.name,
      rejectedToken: body.rejected_token,
      subject: body.subject ?? null,
      accountId: body.account_id ?? null,
      workflow: toWorkflow(headers),
    });
    return { ...fromCredential(credential), renewed };
  });
}

function toRequest(
  connectionName: string,
  query: z.output<typeof credentialQuery>,
  headers: z.output<typeof workflowHeaders>,
): CredentialRequest {
  return {
    connectionName,
    subject: query.subject || null,
    accountId: query.account_id || null,
    minTtlSeconds: query.min_ttl,
    requiredScopes: query.scopes,
    workflow: toWorkflow(headers),
  };
}
