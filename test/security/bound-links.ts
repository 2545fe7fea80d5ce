import { createHash, randomBytes } from 'node:crypto';
import type { Api } from '../support/http/broker-api.ts';
import { type OpenedAuthorization, openAuthorization, type Scene, type TestConnection } from './scene.ts';

export const returnUrl = 'https://app.test/done';

export const challengeOf = (verifier: string) => createHash('sha256').update(verifier).digest('base64url');

/** An authorization that is bound to the session that started it, with its link open in a browser. */
export interface BoundAuthorization extends OpenedAuthorization {
  verifier: string;
}

export async function startBound(
  scene: Pick<Scene, 'api'>,
  connection: TestConnection,
  body: Record<string, unknown> = {},
  organization = connection.organization,
): Promise<BoundAuthorization> {
  const verifier = randomBytes(32).toString('base64url');
  const bound = { return_url: returnUrl, binding_challenge: challengeOf(verifier), ...body };
  return { ...(await openAuthorization(scene, connection, bound, organization)), verifier };
}

/** Lets the person finish at the provider. Returns what the browser brings to the application. */
export async function finishSignIn(authorization: Pick<OpenedAuthorization, 'sendCallback'>) {
  const { status, location, body } = await authorization.sendCallback();
  if (status !== 303 || location === null) throw new Error(`the callback answered ${status} ${body}`);
  const parameter = (name: string) => location.searchParams.get(name) ?? '';
  return {
    location,
    status: parameter('status'),
    authorizationId: parameter('authorization_id'),
    code: parameter('confirmation_code'),
  };
}

export function confirm(
  api: Api,
  authorizationId: string,
  { verifier, code }: { verifier: string; code: string },
  organization?: string,
) {
  const body = { binding_verifier: verifier, confirmation_code: code };
  return api.post(`/authorizations/${authorizationId}/confirm`, body, { organization });
}
