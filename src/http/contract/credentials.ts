import { accessOf } from '../../domain/callers/access.ts';
import { declare } from '../declaration.ts';
import { credential, credentialQuery, rejectedToken, renewedCredential } from '../schemas/credentials.ts';
import { explanation } from '../schemas/explanation.ts';
import { workflowHeaders } from '../schemas/workflows.ts';
import { examples } from './examples.ts';
import { connectionParams } from './parameters.ts';

const responses = {
  200: {
    description: 'A valid access token.',
    schema: credential,
    headers: { 'Cache-Control': 'Always no-store.' },
    example: examples.credential,
  },
};
const problems = [
  'connection_not_found',
  'grant_not_found',
  'account_ambiguous',
  'connection_not_ready',
  'provider_unavailable',
  'workflow_disabled',
] as const;

export const getCredential = declare({
  operationId: 'getCredential',
  tag: 'Credentials',
  summary: 'Fetch a valid access token',
  description:
    'Uses the organisation’s connection, otherwise the global one. On a global connection, the organisation’s grant is used, otherwise the shared grant. The token is refreshed first if it has expired or lives too short for min_ttl.',
  method: 'GET',
  path: '/credentials/{name}',
  access: accessOf.getCredential,
  params: connectionParams,
  query: credentialQuery,
  headers: workflowHeaders,
  responses,
  problems: [...problems, 'insufficient_scope', 'min_ttl_unsatisfiable'],
});

export const explainCredential = declare({
  operationId: 'explainCredential',
  tag: 'Credentials',
  summary: 'Explain what a fetch would answer',
  description:
    'Takes the query and the headers of the fetch and applies its rules, for the same caller. Calls no provider, changes nothing and returns no token. Answers 200 also if the fetch would be refused. The first refused step decides `answer`; the steps after it show what else would refuse the fetch. If the last step has the outcome `refresh`, the fetch waits for the provider: `answer` then supposes that the refresh works.',
  method: 'GET',
  path: '/credentials/{name}/explain',
  access: accessOf.explainCredential,
  params: connectionParams,
  query: credentialQuery,
  headers: workflowHeaders,
  responses: {
    200: { description: 'Steps of the fetch and its answer.', schema: explanation, example: examples.explanation },
  },
  problems: [],
});

export const renewCredential = declare({
  operationId: 'renewCredential',
  tag: 'Credentials',
  summary: 'Report a token that the provider’s API rejected',
  description:
    'If the rejected token is still the current one, it is refreshed, once for all callers that report it. Otherwise the current token is returned without a refresh. If the refresh fails for good, the rejected token is not served again.',
  method: 'POST',
  path: '/credentials/{name}/renew',
  access: accessOf.renewCredential,
  params: connectionParams,
  headers: workflowHeaders,
  body: rejectedToken,
  bodyExample: { rejected_token: 'the-access-token' },
  responses: {
    200: { ...responses[200], schema: renewedCredential, example: { ...examples.credential, renewed: true } },
  },
  problems,
});
