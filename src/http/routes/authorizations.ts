import type { FastifyInstance } from 'fastify';
import type { CancelAuthorization } from '../../broker/authorizations/confirmation/cancel-authorization.ts';
import type { ConfirmAuthorization } from '../../broker/authorizations/confirmation/confirm-authorization.ts';
import type { GetAuthorization } from '../../broker/authorizations/follow-authorization.ts';
import type { StartAuthorization } from '../../broker/authorizations/start-authorization.ts';
import { isState } from '../browser/state.ts';
import * as routes from '../contract/authorizations.ts';
import { mount } from '../mount.ts';
import { notFound } from '../problem.ts';
import { fromProgress, fromStarted, toAuthorizationStart } from '../schemas/authorizations.ts';

export interface AuthorizationUseCases {
  startAuthorization: StartAuthorization;
  getAuthorization: GetAuthorization;
  confirmAuthorization: ConfirmAuthorization;
  cancelAuthorization: CancelAuthorization;
}

export function authorizationRoutes(app: FastifyInstance, useCases: AuthorizationUseCases): void {
  mount(app, routes.startAuthorization, async ({ actor, params, body }) =>
    fromStarted(await useCases.startAuthorization(actor, params.name, toAuthorizationStart(body))),
  );

  mount(app, routes.getAuthorization, async ({ actor, params }) => {
    if (!isState(params.state)) throw notFound('There is no such authorization.');
    return fromProgress(await useCases.getAuthorization(actor, params.state));
  });

  mount(app, routes.confirmAuthorization, async ({ actor, params, body }) => {
    const confirmation = { verifier: body.binding_verifier, code: body.confirmation_code };
    return fromProgress(await useCases.confirmAuthorization(actor, params.authorization_id, confirmation));
  });

  mount(app, routes.cancelAuthorization, async ({ actor, params, body }) => {
    const cancelled = await useCases.cancelAuthorization(actor, params.name, body.subject ?? null);
    return {
      message: cancelled === 0 ? 'No authorization was pending.' : 'The pending authorization is void.',
      cancelled,
    };
  });
}
