import { z } from 'zod';
import { declare } from '../declaration.ts';
import {
  authorizationProgress,
  authorizationStart,
  cancellation,
  cancelled,
  startedAuthorization,
} from '../schemas/authorization.ts';
import { connectionParams, opaque } from './parameters.ts';

const use = { for: 'organization', permission: 'connections:authorize' } as const;

export const startAuthorization = declare({
  operationId: 'startAuthorization',
  tag: 'Authorizations',
  summary: 'Begin a trip to the provider',
  description: 'Send the person to authorization_url; each link works once.',
  method: 'POST',
  path: '/connections/{name}/authorize',
  access: use,
  params: connectionParams,
  body: authorizationStart,
  bodyExample: { subject: 'user-42', return_url: 'https://app.example/settings' },
  answers: {
    200: {
      description: 'The link.',
      schema: startedAuthorization,
      example: {
        authorization_url: 'https://broker.example/authorize/the-state',
        state: 'the-state',
        expires_at: '2030-01-31T12:15:00.000Z',
      },
    },
  },
  problems: ['connection_not_found', 'flow_not_interactive'],
});

export const getAuthorization = declare({
  operationId: 'getAuthorization',
  tag: 'Authorizations',
  summary: 'See how a trip is going',
  method: 'GET',
  path: '/authorizations/{state}',
  access: { for: 'organization', permission: 'connections:read' },
  params: z.object({ state: opaque.describe('As startAuthorization gave it.') }),
  answers: {
    200: {
      description: 'Where it stands.',
      schema: authorizationProgress,
      example: {
        status: 'completed',
        status_reason: null,
        connection_name: 'crm',
        subject: 'user-42',
        account_id: '4711',
      },
    },
  },
  problems: ['not_found'],
});

export const cancelAuthorization = declare({
  operationId: 'cancelAuthorization',
  tag: 'Authorizations',
  summary: 'Void the pending trip',
  method: 'POST',
  path: '/connections/{name}/cancel',
  access: use,
  params: connectionParams,
  body: cancellation,
  bodyExample: { subject: 'user-42' },
  answers: {
    200: {
      description: 'None is pending any more.',
      schema: cancelled,
      example: { message: 'The pending authorization is void.', cancelled: 1 },
    },
  },
  problems: ['connection_not_found'],
});
