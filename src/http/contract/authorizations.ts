import { z } from 'zod';
import { accessOf } from '../../domain/callers/access.ts';
import { declare } from '../declaration.ts';
import {
  authorizationProgress,
  authorizationStart,
  cancellation,
  cancelled,
  confirmation,
  startedAuthorization,
} from '../schemas/authorizations.ts';
import { connectionParams, opaque } from './parameters.ts';

export const startAuthorization = declare({
  operationId: 'startAuthorization',
  tag: 'Authorizations',
  summary: 'Start an authorization',
  description:
    'Returns a link for the person who authorizes access. Open authorization_url in that person’s browser. Each link works once.',
  method: 'POST',
  path: '/connections/{name}/authorize',
  access: accessOf.startAuthorization,
  params: connectionParams,
  body: authorizationStart,
  bodyExample: { subject: 'user-42', return_url: 'https://app.example/settings' },
  responses: {
    200: {
      description: 'Authorization started.',
      schema: startedAuthorization,
      example: {
        authorization_url: 'https://broker.example/authorize/the-state',
        state: 'the-state',
        expires_at: '2030-01-31T12:15:00.000Z',
      },
    },
  },
  problems: ['connection_not_found', 'flow_not_interactive', 'connection_not_ready'],
});

export const getAuthorization = declare({
  operationId: 'getAuthorization',
  tag: 'Authorizations',
  summary: 'Read the progress of an authorization',
  method: 'GET',
  path: '/authorizations/{state}',
  access: accessOf.getAuthorization,
  params: z.object({ state: opaque.describe('The state that startAuthorization returned.') }),
  responses: {
    200: {
      description: 'Progress of the authorization.',
      schema: authorizationProgress,
      example: {
        status: 'completed',
        status_reason: null,
        next_action: 'none',
        error: null,
        error_description: null,
        connection_name: 'crm',
        subject: 'user-42',
        account_id: '4711',
        account_name: 'Ada',
        warnings: [],
      },
    },
  },
  problems: ['not_found'],
});

export const confirmAuthorization = declare({
  operationId: 'confirmAuthorization',
  tag: 'Authorizations',
  summary: 'Confirm an authorization',
  description:
    'Makes the grant of an authorization that was started with binding_challenge. Call it from the session that started it, within ten minutes. One wrong try discards the tokens. The same confirmation again returns the same result.',
  method: 'POST',
  path: '/authorizations/{authorization_id}/confirm',
  access: accessOf.confirmAuthorization,
  params: z.object({ authorization_id: opaque.describe('The authorization_id from return_url.') }),
  body: confirmation,
  bodyExample: { binding_verifier: 'the-verifier-of-the-session', confirmation_code: 'the-code-from-return-url' },
  responses: {
    200: {
      description: 'The grant exists.',
      schema: authorizationProgress,
      example: {
        status: 'completed',
        status_reason: null,
        next_action: 'none',
        error: null,
        error_description: null,
        connection_name: 'crm',
        subject: 'user-42',
        account_id: '4711',
        account_name: 'Ada',
        warnings: [],
      },
    },
  },
  problems: ['not_found', 'confirmation_refused'],
});

export const cancelAuthorization = declare({
  operationId: 'cancelAuthorization',
  tag: 'Authorizations',
  summary: 'Cancel pending authorizations',
  description:
    'Cancels the pending authorizations of the subject, or those without a subject. Their links, callbacks and confirmations stop working.',
  method: 'POST',
  path: '/connections/{name}/cancel',
  access: accessOf.cancelAuthorization,
  params: connectionParams,
  body: cancellation,
  bodyExample: { subject: 'user-42' },
  responses: {
    200: {
      description: 'No authorization of this subject is pending.',
      schema: cancelled,
      example: { message: 'The pending authorization is void.', cancelled: 1 },
    },
  },
  problems: ['connection_not_found'],
});
