import { declare } from '../declaration.ts';
import { credential, credentialQuery, rejectedToken, workflowHeaders } from '../schemas/credential.ts';
import { examples } from './examples.ts';
import { connectionParams } from './parameters.ts';

const access = { for: 'organization', permission: 'credentials:read' } as const;
const answers = {
  200: {
    description: 'A token that is alive.',
    schema: credential,
    headers: { 'Cache-Control': 'no-store' },
    example: examples.credential,
  },
};
const problems = [
  'connection_not_found',
  'grant_not_found',
  'account_ambiguous',
  'connection_not_ready',
  'provider_unavailable',
] as const;

export const getCredential = declare({
  operationId: 'getCredential',
  tag: 'Credentials',
  summary: 'Fetch a live access token',
  description:
    'The organisation’s own connection, else the global one: there the organisation’s own grant, else the shared one.',
  method: 'GET',
  path: '/credentials/{name}',
  access,
  params: connectionParams,
  query: credentialQuery,
  headers: workflowHeaders,
  answers,
  problems: [...problems, 'insufficient_scope', 'min_ttl_unsatisfiable', 'workflow_disabled'],
});

export const renewCredential = declare({
  operationId: 'renewCredential',
  tag: 'Credentials',
  summary: 'Report a token that the provider’s API rejected',
  description:
    'Refreshed only while that token is the current one, once for all who report it; otherwise the current one is answered.',
  method: 'POST',
  path: '/credentials/{name}/renew',
  access,
  params: connectionParams,
  body: rejectedToken,
  bodyExample: { rejected_token: 'the-access-token' },
  answers,
  problems,
});
